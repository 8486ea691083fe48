"""Eight processes that record at the same time lose nothing, on one fresh SQLite file and on a real server.

Each records a few windows; ``WINDOWS=50 python -m pytest tests/test_recording_together.py`` is the whole of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from recording import CURVE, EXPERIMENT, LONG, PARAMS, scores

from components.tracking import ExperimentManager, RunStatus, RunSummary

pytestmark = pytest.mark.acceptance

WORKERS, WINDOWS = 8, int(os.environ.get("WINDOWS", "4"))


@pytest.fixture(scope="module")
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are ready to record."""
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "recording", str(worker), str(WINDOWS)],
            cwd=Path(__file__).parent,
            env=os.environ | {"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in range(WORKERS)
    ]
    assert answers(started) == ["ready\n"] * WORKERS
    yield started
    for process in started:
        process.communicate(timeout=30)


def answers(processes: list[subprocess.Popen[str]]) -> list[str]:
    return [process.stdout.readline() for process in processes if process.stdout]


@pytest.mark.parametrize("store", ["sqlite", "server"])
def test_processes_that_record_together_lose_nothing(
    store: str, processes: list[subprocess.Popen[str]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}", str(tmp_path / "artifacts")
    uri, artifacts = fresh if store == "sqlite" else (request.getfixturevalue("mlflow_url"), "")
    for process in processes:
        assert process.stdin
        process.stdin.write(json.dumps([uri, artifacts]) + "\n")
        process.stdin.flush()
    assert answers(processes) == ["done\n"] * WORKERS

    experiments = ExperimentManager(uri)
    assert [each.name for each in experiments.list_experiments()].count(EXPERIMENT) == 1
    runs = experiments.search(experiments=[EXPERIMENT])
    names = [f"{worker}-{window}" for worker in range(WORKERS) for window in range(WINDOWS)]
    assert sorted(run.name for run in runs) == sorted(names)
    with ThreadPoolExecutor(WORKERS) as readers:
        list(readers.map(lambda run: check(experiments, run), runs))


def check(experiments: ExperimentManager, run: RunSummary) -> None:
    """A run has everything that was written to it."""
    worker, window = run.name.split("-")
    assert run.status is RunStatus.FINISHED
    assert (run.tags["window"], run.tags["worker"]) == (run.name, worker)
    recorder = experiments.recorder(run)
    assert recorder.params == {name: str(value) for name, value in PARAMS.items()} | {
        "name": run.name,
        "long": LONG + run.name,
    }
    assert run.metrics == {"l2.train": CURVE[-1], "l2.valid": CURVE[-1], "IC": int(window) / 7}
    assert recorder.load_series("l2.valid").to_dict() == dict(enumerate(CURVE))
    assert recorder.load_json("task") == {"name": run.name}
    assert recorder.load_table("pred")["score"].tolist() == scores(worker, int(window))["score"].tolist()
