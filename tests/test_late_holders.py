"""Two real holders of one task: whoever lost it without knowing touches nothing of what its successor records."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import CONFIG, wait_until
from late_holder import HOLD, pool_of, trainer_of, worker_of

from components.execution import Phase
from components.pool import TaskPool
from components.tasks import TrainingTask
from components.tracking import Recorder, RunStatus
from components.training import TrainingContext

pytestmark = pytest.mark.acceptance


@pytest.fixture
def short(mongo_url: str, pool: TaskPool) -> Iterator[TaskPool]:
    """The pool of the test, with a lease of a second."""
    with pool_of(mongo_url, pool.name) as short:
        yield short


def held_task() -> TrainingTask:
    model = {"class": "HeldModel", "module_path": "late_holder", "kwargs": {}}
    task = TrainingTask.from_config({**CONFIG["task"], "model": model}).with_data(CONFIG["data"])
    return task.with_segments({**task.segments, "test": ("2016-04-01", "2016-04-28")})


def content(recorder: Recorder) -> dict[str, bytes]:
    folder = recorder.download("")
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("phase", [Phase.TRAIN, Phase.FINISH])
def test_a_late_holder_leaves_its_successors_run_alone(
    short: TaskPool, mongo_url: str, tmp_path: Path, phase: Phase
) -> None:
    hold, home = tmp_path / "hold", tmp_path / "home"
    hold.mkdir()
    experiments = trainer_of(home, short).experiments
    context = TrainingContext(experiment=experiments.get_or_create("late"))
    (task_id,) = short.submit([held_task()], context=context.to_document())
    if phase is Phase.FINISH:
        assert worker_of(short, home, Phase.PREPARE, "here:1").serve().done == 1

    command = [sys.executable, "-m", "late_holder", mongo_url, short.name, str(home), phase.value]
    environ = os.environ | {HOLD: str(hold)}
    late = subprocess.Popen(command, cwd=Path(__file__).parent, env=environ, stdout=subprocess.PIPE, text=True)
    try:
        wait_until((hold / "trained").exists)
        os.kill(late.pid, signal.SIGSTOP)  # between its last iteration and what it writes
        (hold / "go").touch()
        time.sleep(1.2)  # longer than the lease
        assert worker_of(short, home, phase, "here:2").serve().done == 1
        done = short.get(task_id)
        successor = experiments.recorder(done.result["recorder_id"])
        before = content(successor)
    finally:
        os.kill(late.pid, signal.SIGCONT)
        out, _ = late.communicate(timeout=60)

    assert out == "0 0\n"  # it completed nothing, and counts no failure of its own
    assert (short.get(task_id).result, short.get(task_id).attempts) == (done.result, 2)
    assert (successor.status, successor.tags["rollflow.owner"]) == (RunStatus.FINISHED, "here:2")
    assert content(successor) == before
    assert "pred.parquet" in before
    runs = {run.tags["rollflow.owner"]: run for run in experiments.runs(context.experiment)}
    assert sorted(runs) == ["here:2", "late:1"]
    assert runs["late:1"].status is RunStatus.KILLED
    assert "pred.parquet" not in experiments.recorder(runs["late:1"]).list_artifacts()
