"""`python -m flows.features`: build the feature matrix of a config, and export its raw values."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from flows.console import quiet_libraries, run_command

if TYPE_CHECKING:
    from flows.features.flow import FeaturesResult


def main() -> int:
    """Run the command; imports wait until the options are known, so that `--help` is quick."""
    options = _parser().parse_args()
    quiet_libraries()
    from flows.features.check import checked_request
    from flows.server import start_server

    checked_request(options.config, options.data, options.out)
    server = start_server(lambda: None)
    from flows.features.flow import features

    server.wait()
    given = {"config": options.config, "out": options.out, "data": options.data}
    _print_summary(features(**{name: str(value) for name, value in given.items() if value}))
    return 0


def _print_summary(result: FeaturesResult) -> None:
    from rich.console import Console

    show = Console(soft_wrap=True, highlight=False).print
    show(f"{result.rows:,} rows, {result.features} features, {result.labels} label{'s' * (result.labels != 1)}")
    done = "reused" if result.reused else "built"
    show(f"  {'matrix':<12}{result.matrix}   ({done} in {result.seconds['matrix']:.1f} s)")
    if result.out:
        show(f"  {'raw values':<12}{result.out}   (written in {result.seconds['export']:.1f} s)")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.features",
        description="Build the feature matrix of a config, unless it is stored. With --out, export features and "
        "label as they are before any processor: datetime, instrument, a column for each.",
        epilog="exit status: 0 done, 2 wrong input",
    )
    parser.add_argument(
        "config", nargs="?", type=Path, help="a config (YAML), Qlib's or rollflow's; none: the demo market"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.parquet", help="write raw features and label to a file")
    parser.add_argument("--data", metavar="URI", help="market data: demo:, qlib:PATH, parquet:PATH, csv:PATH")
    return parser


if __name__ == "__main__":
    run_command(main)
