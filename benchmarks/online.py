"""What an evening of a service costs: a day more of Alpha158 of CSI300, scored by one model and by twenty.

``python -m benchmarks.online [DATA] [--days N] [--qlib PYTHON]`` where DATA is a Qlib folder with csi300 and PYTHON
has pyqlib installed. A copy of DATA is cut and gets its last days back; MongoDB runs throughout, as it does in
service, everything else is opened anew each evening. The work of an evening is: config and market opened, the gate,
the features of the day, scores, signal, drift, and all of it committed. Qlib's `PredUpdater` only scores. The
command is `python -m flows.online routine` as a whole, next to the same command when there is nothing to serve,
which is the start of Python, MongoDB and Prefect.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.appended_day import CutFolder
from benchmarks.measuring import DATA, ask_peer, fresh_home, measured
from components.features.kernels import warm_up
from components.pool.mongod import embedded_mongo
from flows.online.options import FirstTrainOptions, RoutineOptions
from flows.online.service import opened

#: Seconds that the work of an evening may take, and the command beyond the start of its servers.
_WORK, _COMMAND = 1.0, 3.0
#: How many times as fast as Qlib's updater, and how many times as slow as one model twenty may be.
_TIMES, _MODELS = 40, 3
_TRAIN, _VALID = ("2017-01-03", "2018-12-28"), ("2019-01-02", "2019-12-31")


def task_tested_from(day: str, seed: int = 0) -> dict[str, Any]:
    """A task of a few trees: how long they took to train does not matter here."""
    kwargs = {"loss": "mse", "num_boost_round": 10, "num_leaves": 210, "max_depth": 8, "seed": seed}
    handler = {
        "instruments": "csi300",
        "start_time": "2016-09-01",
        "fit_start_time": _TRAIN[0],
        "fit_end_time": _TRAIN[1],
    }
    return {
        "model": {"class": "LGBModel", "module_path": "qlib.contrib.model.gbdt", "kwargs": kwargs},
        "dataset": {
            "class": "DatasetH",
            "module_path": "qlib.data.dataset",
            "kwargs": {
                "handler": {"class": "Alpha158", "module_path": "qlib.contrib.data.handler", "kwargs": handler},
                "segments": {"train": _TRAIN, "valid": _VALID, "test": (day, day)},
            },
        },
    }


def service_of(home: Path, data: Path, day: str, models: int) -> Path:
    """The config of a service of so many models, which begins on a day."""
    names = [f"m{place}" for place in range(models)]
    config = {
        "data": f"qlib:{data}",
        "experiment": f"evening of {models}",
        "task": task_tested_from(day),
        "rolling": {"step": 60, "type": "sliding"},
        "online": {
            "strategies": {name: {"task": task_tested_from(day, seed)} for seed, name in enumerate(names)},
        },
    }
    (file := home / f"of_{models}.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(config))), "utf-8")
    return file


def evening(config: Path) -> float:
    """Seconds of a routine."""
    start = time.perf_counter()
    with opened(RoutineOptions(config=str(config))) as service:
        served = service.open().routine()
    seconds = time.perf_counter() - start
    assert len(served) == 1
    return seconds


def command(config: Path, home: Path, mongo: str) -> float:
    """Seconds of the whole command."""
    run = measured([sys.executable, "-m", "flows.online", "routine", str(config)], home, ROLLFLOW_MONGO_URL=mongo)
    if run.status:
        sys.exit(f"python -m flows.online routine {config} ended with {run.status}")
    return run.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="a Qlib folder with csi300")
    parser.add_argument("--days", type=int, default=5, help="evenings")
    parser.add_argument("--models", type=int, default=20, help="models of the larger service")
    parser.add_argument("--qlib", metavar="PYTHON", help="an interpreter with pyqlib")
    args = parser.parse_args()
    days = (args.data / "calendars" / "day.txt").read_text().split()
    first = days[-args.days - 2]
    warm_up()
    with fresh_home() as folder, embedded_mongo(Path(folder)) as mongo:
        home = Path(folder)
        os.environ |= {"ROLLFLOW_HOME": folder, "ROLLFLOW_MONGO_URL": mongo}
        data = CutFolder(args.data, home / "data")
        services = {models: service_of(home, home / "data", first, models) for models in (1, args.models)}
        data.end(args.days + 1)
        for config in services.values():
            with opened(FirstTrainOptions(config=str(config))) as service:
                service.open().first_train()
        work: dict[int, list[float]] = {models: [] for models in services}
        for left in range(args.days, 0, -1):
            data.end(left)
            for models, config in services.items():
                work[models].append(evening(config))
        command(services[1], home, mongo)  # Prefect and MLflow make their databases once
        data.end(0)
        served, idle = (command(services[1], home, mongo) for _ in range(2))
    one, many = (statistics.median(work[models]) for models in (1, args.models))
    print(f"An evening of Alpha158 of csi300, median of {args.days}")
    print(f"  one model            {one:7.2f} s   {one / _WORK:.2f} of its limit, {_WORK:.0f} s")
    print(f"    each               {' '.join(f'{seconds:.2f}' for seconds in work[1])} s")
    print(f"  {args.models} models            {many:7.2f} s   {many / one:.1f} times one model (at most {_MODELS})")
    print(f"  whole command        {served:7.2f} s   {served - idle:.2f} s more than with nothing to serve")
    print(f"  nothing to serve     {idle:7.2f} s   (the command: at most {_COMMAND:.0f} s and Prefect's start)")
    if args.qlib:
        task = task_tested_from(first)
        given = [str(args.data.resolve()), json.dumps(task), json.dumps(days[-args.days - 1 :])]
        with fresh_home() as folder:
            theirs = ask_peer(args.qlib, "online_qlib.py", *given, home=Path(folder))
        updater = statistics.median(theirs["seconds"])
        print(f"  Qlib's updater       {updater:7.2f} s   {updater / one:.1f} times ours (at least {_TIMES})")


if __name__ == "__main__":
    main()
