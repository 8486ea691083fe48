"""How fast the predictions of 200 runs are collected and joined: ours and, with --qlib, Qlib's.

``python -m benchmarks.collect [--qlib PYTHON] [--runs N]`` where PYTHON has pyqlib installed. Each run has 300
instruments × 20 days, and as many parameters, metrics and tags as a window of a rolling run. Counted is everything
from the name of the experiment to the joined prediction: listing the runs, reading their files, joining them.
Ours keeps runs in SQLite; Qlib's collector gets its default store, plain files, which is the faster one for it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measuring import ask_peer
from components.collection import ExperimentRuns, RecorderCollector, RollingGroup
from components.formats.tables import save_table
from components.tracking import ExperimentManager, RunSummary, open_store

_EXPERIMENT = "collect"
_INSTRUMENTS, _DAYS = 300, 20
_PARAMS = {f"param_{number}": number for number in range(25)}
_METRICS = {f"metric_{number}": number / 7 for number in range(10)}


def prediction(number: int) -> pd.DataFrame:
    """The scores of one window; windows follow each other."""
    days = pd.bdate_range("2005-01-03", periods=_DAYS * (number + 1))[-_DAYS:]
    codes = [f"SH{600000 + code}" for code in range(_INSTRUMENTS)]
    index = pd.MultiIndex.from_product([days, codes], names=["datetime", "instrument"])
    return pd.DataFrame({"score": np.random.default_rng(number).normal(size=len(index))}, index=index)


def create(experiments: ExperimentManager, runs: int) -> None:
    experiment = experiments.get_or_create(_EXPERIMENT)
    for number in range(runs):
        tags = {"window": f"{number:04d}", "model": "gbdt"}
        recorder = experiments.start(experiment, f"window {number}", tags=tags)
        with recorder.artifacts() as folder:
            save_table(prediction(number), folder / "pred.parquet")
        recorder.log_params(_PARAMS)
        recorder.log_metrics(_METRICS)
        recorder.end()


def key_of(run: RunSummary) -> tuple[str, str]:
    return run.tags["model"], run.tags["window"]


def collect(experiments: ExperimentManager) -> pd.DataFrame:
    runs = ExperimentRuns(experiments, experiments.get_or_create(_EXPERIMENT))
    collected = RecorderCollector(source=runs, rec_key=key_of, process_list=[RollingGroup()])()
    (joined,) = collected.results["pred"].values()
    return joined


def ours(home: Path, runs: int, repeats: int) -> tuple[list[float], list[float]]:
    """Seconds of collecting, and of the part of it that MLflow needs for its listing."""
    experiments = open_store(None, home)
    create(experiments, runs)
    experiment = experiments.get_or_create(_EXPERIMENT)
    whole, listing = [], []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        joined = collect(experiments)
        whole.append(time.perf_counter() - start)
        assert len(joined) == runs * _INSTRUMENTS * _DAYS, len(joined)
        start = time.perf_counter()
        experiments.runs(experiment)
        listing.append(time.perf_counter() - start)
    return whole[1:], listing[1:]  # the first one imports and compiles


def qlib(python: str, home: Path, runs: int, repeats: int) -> list[float]:
    predictions = home / "predictions"
    predictions.mkdir()
    for number in range(runs):
        save_table(prediction(number), predictions / f"{number:04d}.parquet")
    subprocess.run(["git", "init", "--quiet", str(home)], check=True)  # Qlib notes the code of each run
    given = [json.dumps(value) for value in (_PARAMS, _METRICS, repeats)]
    seconds: list[float] = ask_peer(python, "collect_qlib.py", str(predictions), *given, home=home)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qlib", metavar="PYTHON", help="an interpreter with pyqlib")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rollflow-bench-") as folder:
        whole, listing = ours(Path(folder) / "ours", options.runs, options.repeats)
        mine, listed = statistics.median(whole), statistics.median(listing)
        print(f"ours    {mine:7.3f} s (best {min(whole):.3f}), {listed:.3f} of it MLflow's listing")
        if options.qlib:
            theirs = statistics.median(qlib(options.qlib, Path(folder), options.runs, options.repeats))
            print(f"qlib    {theirs:7.3f} s")
            print(f"faster  {theirs / mine:7.1f} times   (at least 5)")


if __name__ == "__main__":
    main()
