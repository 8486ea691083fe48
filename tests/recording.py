"""``python -m recording WORKER WINDOWS``: record windows as trainings do, into each store that a line names."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from components.formats.objects import save_json
from components.formats.tables import save_table
from components.tracking import ExperimentManager

EXPERIMENT = "recorded together"
LONG = "x" * 7000
CURVE = [1 / step for step in range(1, 101)]
PARAMS = {f"param_{number}": number for number in range(30)}


def scores(worker: str, window: int) -> pd.DataFrame:
    days = pd.bdate_range("2020-01-01", periods=20)
    index = pd.MultiIndex.from_product(
        [days, [f"S{number}" for number in range(50)]], names=["datetime", "instrument"]
    )
    return pd.DataFrame({"score": float(int(worker) * 1000 + window)}, index=index)


def main(worker: str, windows: str) -> None:
    import mlflow  # noqa: F401 - before the start, so that all begin together

    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        uri, artifacts = json.loads(line)
        record(ExperimentManager(uri, Path(artifacts) if artifacts else None), worker, int(windows))
        print("done", flush=True)  # noqa: T201


def record(experiments: ExperimentManager, worker: str, windows: int) -> None:
    experiment = experiments.get_or_create(EXPERIMENT)
    for window in range(windows):
        name = f"{worker}-{window}"
        with experiments.start(experiment, name, tags={"window": name, "worker": worker}).closing() as recorder:
            with recorder.artifacts() as folder:
                save_json({"name": name}, folder / "task.json")
                save_table(scores(worker, window), folder / "pred.parquet")
            recorder.log_params({**PARAMS, "name": name, "long": LONG + name})
            recorder.log(series={"l2.train": CURVE, "l2.valid": CURVE, "IC": [window / 7]})


if __name__ == "__main__":
    main(*sys.argv[1:])
