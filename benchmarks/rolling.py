"""A rolling run, also with shared bins, against a bare `lgb.train` loop over the same slices and, if asked, Qlib.

python -m benchmarks.rolling CONFIG --data qlib:PATH [--step 40] [--qlib PYTHON] where PYTHON has pyqlib installed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import lightgbm as lgb
import yaml

from benchmarks.measuring import ask_peer, fresh_home, measured, rolling
from components.config import read_config
from components.features import MatrixStore
from components.models import LGBModel
from components.rolling import plan_windows
from components.training import build_model, open_dataset


def bare_loop(config: Path, data: str, step: int, matrices: Path) -> dict[str, float]:
    """Train every window with nothing but LightGBM, features being there already."""
    from components.data import open_market

    run = read_config(config).with_options(data=data, step=step)
    market, store = open_market(run.market), MatrixStore(matrices)
    started = time.perf_counter()
    for window in plan_windows(run, market):
        dataset = open_dataset(window.task, market, store)
        model = build_model(window.task)
        assert isinstance(model, LGBModel)
        parts = [dataset.learn(name) for name in ("train", "valid")]
        sets = [lgb.Dataset(rows.X, label=rows.y) for rows in parts]
        booster = lgb.train(
            model.params,
            sets[0],
            num_boost_round=model.num_boost_round,
            valid_sets=sets,
            valid_names=["train", "valid"],
            callbacks=[lgb.early_stopping(model.early_stopping_rounds, verbose=False)],
        )
        booster.predict(dataset.infer("test").X)
    return {"seconds": time.perf_counter() - started}


def sharing_bins(config: Path, file: Path) -> Path:
    """The config with shared bins, written to a file."""
    content = yaml.safe_load(config.read_text("utf-8"))
    content["rolling"] = content.get("rolling", {}) | {"shared_bins": True}
    file.write_text(yaml.safe_dump(content), "utf-8")
    return file


def qlib(python: str, config: Path, data: str, step: int) -> dict[str, float]:
    folder = Path(data.removeprefix("qlib:")).resolve()
    with fresh_home() as home:
        answer: dict[str, float] = ask_peer(
            python, "rolling_qlib.py", str(config.resolve()), str(folder), str(step), home=Path(home)
        )
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--step", type=int, default=40)
    parser.add_argument("--qlib", metavar="PYTHON", help="an interpreter with pyqlib")
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        print(json.dumps(bare_loop(options.config, options.data, options.step, options.bare)))
        return
    with fresh_home() as folder, fresh_home() as bare_folder:
        home = Path(folder)
        given = [str(options.config), "--data", options.data]
        measured([sys.executable, "-m", "flows.features", *given], Path(bare_folder))
        # Prefect and MLflow make their databases once, when something runs for the first time.
        measured([sys.executable, "-m", "flows.rolling"], home)
        command = [sys.executable, "-m", "benchmarks.rolling", *given, "--step", str(options.step)]
        command += ["--bare", str(Path(bare_folder, "features"))]
        # A machine that others share is not equally fast for minutes: the loop runs before and after.
        before = measured(command, home)
        run, outcome = rolling(*given, "--step", str(options.step), home=home)
        after = measured(command, home)
        shared_config = sharing_bins(options.config, home / "shared_bins.yaml")
        shared, other = rolling(
            str(shared_config), "--data", options.data, "--step", str(options.step), "--pool", "shared", home=home
        )
    features = outcome["timings"]["features"]
    bare = (before.seconds + after.seconds) / 2
    print(f"rolling run, {len(outcome['windows'])} windows {run.seconds:8.1f} s   peak {run.peak_mb:.0f} MB")
    print(f"bare LightGBM loop        {bare:8.1f} s   peak {after.peak_mb:.0f} MB")
    print(f"  before and after        {before.seconds:8.1f} s, {after.seconds:.1f} s")
    print(f"features                  {features:8.1f} s")
    print(f"with shared bins          {shared.seconds:8.1f} s   IC {other['metrics']['IC']:.4f}")
    if options.qlib:
        peer = qlib(options.qlib, options.config, options.data, options.step)
        print(f"qlib, {peer['windows']} windows        {peer['seconds']:8.1f} s   peak {peer['peak_mb']:.0f} MB")
        print(f"peak to qlib's            {run.peak_mb / peer['peak_mb']:8.3f}     (below 0.5)")
    print(f"ratio to bare + features  {run.seconds / (bare + features):8.3f}     (at most 1.05)")
    print(f"with shared bins to bare  {shared.seconds / bare:8.3f}     (at most 0.75)")
    print(yaml.safe_dump({"timings": outcome["timings"], "metrics": outcome["metrics"]}))


if __name__ == "__main__":
    main()
