"""`python -m flows.rolling`: train, store and judge a model on rolling windows."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from threading import Thread

from flows.console import FAILED, add_run_options, quiet_libraries, run_command

#: Options that are parameters of the flow under the same name.
_PARAMETERS = ("config", "data", "experiment", "pool", "step", "kind", "runner", "workers", "dask")


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = _parser().parse_args()
    quiet_libraries()
    from components.features.kernels import warm_up
    from components.rolling import read_config
    from components.settings import Settings
    from flows.rolling.check import checked_windows, show_plan
    from flows.workspace import open_workspace

    config = read_config(Path(options.config) if options.config else None).with_options(
        data=options.data, experiment=options.experiment, pool=options.pool, step=options.step, kind=options.kind
    )
    with open_workspace(Settings.from_env(), config, workers=options.workers) as workspace:
        windows = checked_windows(config, workspace)
        if options.plan:
            show_plan(windows, workspace)
            return 0
        # Where features have to be made, their kernels are compiled while Prefect's server starts.
        Thread(target=warm_up, name="warm-up", daemon=True).start()
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    from components.rolling import WindowsFailed
    from flows.rolling.flow import rolling
    from flows.rolling.summary import print_summary

    status = 0
    try:
        given = {name: getattr(options, name) for name in _PARAMETERS}
        result = rolling(**{name: value for name, value in given.items() if value is not None})
    except WindowsFailed as failure:
        result, status = failure.result, FAILED
    if options.json:
        options.json.write_text(json.dumps(result.to_document(), indent=2), "utf-8")
    print_summary(result)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.rolling",
        description="Train a model on every rolling window, then join and judge the predictions. "
        "Windows that are done are reused; run it again after anything went wrong.",
        epilog="exit status: 0 all windows done, 1 some window failed for good, 2 wrong input",
    )
    parser.add_argument("config", nargs="?", help="a config (YAML), Qlib's or rollflow's; none: the demo market")
    add_run_options(parser)
    parser.add_argument("--kind", choices=("expanding", "sliding"), help="does the training segment grow or move")
    return parser


if __name__ == "__main__":
    run_command(main)
