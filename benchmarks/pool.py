"""How fast the pool is: ours, a bare pymongo loop and, with --qlib, Qlib's TaskManager on the same private mongod.

``python -m benchmarks.pool [--sizes 1000 4000 100000] [--qlib PYTHON]`` where PYTHON has pyqlib installed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

import pymongo

from benchmarks.measuring import ask_peer, fresh_home
from components.pool import TaskPool
from components.pool.mongod import embedded_mongo

_CLAIMS = 1000  # no more than the smallest pool has
_ROUNDS = 5  # of claims, every pool's turn in each: a machine that others share is not equally fast for minutes
_CREATIONS = 3  # the first one in a process or of a server takes longer
_WORKERS = 8
_DATABASE = "bench"


@dataclass(frozen=True)
class Speed:
    """What one pool of one size achieved."""

    #: Seconds to create all tasks: the median of some pools, of Qlib's one.
    create: float
    #: Claims with their completions, a second.
    rate: float


@dataclass
class Contestant:
    """A pool that is ready to be worked on."""

    create: float
    #: Claims and completes so many tasks.
    work: Callable[[int], None]
    seconds: list[float] = field(default_factory=list)

    def play(self) -> None:
        """Take a turn."""
        self.seconds.append(seconds(partial(self.work, _CLAIMS // _ROUNDS)))

    @property
    def speed(self) -> Speed:
        return Speed(self.create, _CLAIMS // _ROUNDS / median(self.seconds))


def tasks(count: int) -> list[dict[str, Any]]:
    """Definitions like those of a rolling run of LightGBM on Alpha158, one after the other."""
    return [
        {
            "model": {
                "class": "LGBModel",
                "module_path": "qlib.contrib.model.gbdt",
                "kwargs": {"loss": "mse", "learning_rate": 0.2, "max_depth": 8, "num_leaves": 210, "seed": number},
            },
            "dataset": {
                "class": "DatasetH",
                "module_path": "qlib.data.dataset",
                "kwargs": {
                    "handler": {
                        "class": "Alpha158",
                        "module_path": "qlib.contrib.data.handler",
                        "kwargs": {"start_time": "2010-01-01", "end_time": "2020-08-01", "instruments": "csi300"},
                    },
                    "segments": {
                        "train": ["2010-02-01", "2014-12-31"],
                        "valid": ["2015-01-01", "2016-12-31"],
                        "test": ["2017-01-01", "2017-03-01"],
                    },
                },
            },
            "record": [{"class": "SignalRecord", "module_path": "qlib.workflow.record_temp"}],
        }
        for number in range(count)
    ]


def ours(url: str, count: int) -> Contestant:
    definitions = tasks(count)
    creations = []
    for number in range(_CREATIONS):
        pool = TaskPool(url, _DATABASE, f"ours_{count}_{number}", lease=timedelta(minutes=10))
        creations.append(seconds(partial(pool.submit, definitions)))
    return Contestant(median(creations), partial(work, pool))


def work(pool: TaskPool, claims: int) -> None:
    for _ in range(claims):
        record = pool.claim(owner=f"bench:{os.getpid()}")
        assert record is not None
        pool.complete(record, {"recorder_id": "0" * 32})


def bare(url: str, count: int) -> Contestant:
    """The least that a pool on pymongo can do, with no lease, no token and no history."""
    database: Any = pymongo.MongoClient(url)[_DATABASE]
    definitions = tasks(count)
    creations = []
    for number in range(_CREATIONS):
        collection = database[f"bare_{count}_{number}"]
        collection.create_index([("status", 1), ("priority", -1)])
        documents = [{"status": "waiting", "priority": 0, "def": task} for task in definitions]
        creations.append(seconds(partial(collection.insert_many, documents)))

    def loop(claims: int) -> None:
        taken = {"$set": {"status": "running"}}
        for _ in range(claims):
            task = collection.find_one_and_update({"status": "waiting"}, taken, sort=[("priority", -1)])
            collection.update_one({"_id": task["_id"]}, {"$set": {"status": "done", "res": "0" * 32}})

    return Contestant(median(creations), loop)


def qlib(url: str, python: str, count: int, home: Path) -> Speed:
    given = home / "tasks.json"
    given.write_text(json.dumps(tasks(count)))
    arguments = [url, _DATABASE, f"qlib_{count}", str(given), str(_CLAIMS)]
    answer = ask_peer(python, "pool_qlib.py", *arguments, home=home)
    return Speed(answer["create"], _CLAIMS / answer["work"])


def together(url: str, workers: int) -> float:
    """Claims with completions a second, of several processes on one pool of tasks."""
    name = f"together_{workers}"
    with TaskPool(url, _DATABASE, name) as pool:
        pool.submit(tasks(_CLAIMS * 2))
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(workers + 1)
    share = _CLAIMS * 2 // workers
    processes = [context.Process(target=_one_of_many, args=(url, name, share, ready)) for _ in range(workers)]
    for process in processes:
        process.start()
    ready.wait()
    return share * workers / seconds(lambda: [process.join() for process in processes])


def _one_of_many(url: str, name: str, claims: int, ready: Any) -> None:
    with TaskPool(url, _DATABASE, name) as pool:
        ready.wait()
        work(pool, claims)


def settle(url: str) -> None:
    """Let mongod write out what was created, so that the claims do not pay for it."""
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        client.admin.command("fsync")


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 4000, 100_000])
    parser.add_argument("--qlib", metavar="PYTHON", help="an interpreter with pyqlib")
    options = parser.parse_args()
    with fresh_home() as folder, embedded_mongo(Path(folder)) as url:
        pools = {size: (ours(url, size), bare(url, size)) for size in options.sizes}
        settle(url)
        for _ in range(_ROUNDS):
            for pool in chain.from_iterable(pools.values()):
                pool.play()
        print(f"{'tasks':>8} {'':6} {'create':>10} {'claim+complete':>18}")
        for size, (mine, least) in pools.items():
            report(size, "ours", mine.speed)
            report(size, "bare", least.speed, mine.speed)
            if options.qlib and size <= 4000:  # beyond, its creation takes minutes
                report(size, "qlib", qlib(url, options.qlib, size, Path(folder)), mine.speed)
        alone = together(url, 1)
        many = together(url, _WORKERS)
        print(f"one process {alone:.0f}/s, {_WORKERS} processes {many:.0f}/s together")


def report(size: int, who: str, speed: Speed, mine: Speed | None = None) -> None:
    line = f"{size:>8} {who:6} {speed.create:>8.2f} s {speed.rate:>16.0f}/s"
    if mine is not None:
        line += f"   ours: creates {speed.create / mine.create:.1f}x, works {mine.rate / speed.rate:.2f}x as fast"
    print(line, flush=True)


if __name__ == "__main__":
    main()
