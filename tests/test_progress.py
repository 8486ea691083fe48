"""What shows how work gets on: whatever it is told, it ends nothing, and texts are shown as they are."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from small_tasks import CONFIG

from components.execution import AttemptFailed, LeavingWord, LeftBehind, NotRunnableHere, RunWatch, Worker
from components.pool import TaskPool, TaskRecord, TaskStatus, TaskSummary
from components.progress import Progress, no_progress
from components.rolling import RunResult, Window, WindowResult
from components.rolling.window import Stored
from components.tasks import TrainingTask
from flows.bars import TrainingBars, open_bars
from flows.rolling.progress import _Left, _Lines
from flows.rolling.progress import shown as shown_windows
from flows.rolling.summary import print_summary
from flows.watching import harmless
from flows.worker.progress import _print_attempt
from flows.worker.progress import shown as shown_attempts

#: Parsed as Rich's markup, the first one is an error and the second one vanishes.
TEXTS = ["[/data/y] is missing", "[Errno 2] No such file"]


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=200, highlight=False, markup=False), out


def failed(pool: TaskPool, text: str) -> TaskRecord:
    """A task that was given up with an error."""
    (key,) = pool.submit([TrainingTask.from_config(CONFIG)])
    record = pool.claim("here:1")
    assert record
    pool.fail(record, ImportError(text))
    return pool.get(key)


@pytest.mark.parametrize("text", TEXTS)
def test_an_error_is_shown_as_it_is(pool: TaskPool, text: str) -> None:
    record = failed(pool, text)
    (task,) = pool.summaries()
    show, out = console()
    _Lines(show, 1).paint([("2016-07-01", task)], [])
    _print_attempt(show, record)
    window = WindowResult.of(record, change=text)
    result = RunResult(
        experiment="e",
        pool="p",
        recorder_id="",
        windows=(window,),
        metrics={},
        predictions=None,
        report=None,
        gaps=(text,),
        reused=0,
        warnings=(text,),
    )
    print_summary(result, None, Console(file=out, width=200))
    assert out.getvalue().count(text) == 6


@pytest.mark.parametrize("text", TEXTS)
def test_an_error_is_shown_as_it_is_while_windows_train(
    pool: TaskPool, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record = failed(pool, text)
    pool.submit([TrainingTask.from_config(CONFIG)], run="r")
    watch = RunWatch(pool, "r", patience=timedelta(minutes=1))
    windows = [Window(TrainingTask.from_config(CONFIG))]
    with shown_windows(windows, Stored(parent=None, run="r", done=frozenset()), watch, how=f"how: {text}"):
        pass
    watch.close()
    assert capsys.readouterr().err == f"how: {text}\n1/1 window 2016-07-01 failed: ImportError: {text}\n"
    with shown_attempts(Worker(pool=pool, train=lambda *_: None, owner="here:1")) as on_attempt:
        on_attempt(record)
    line = f"2016-07-01 was given up in attempt 1: ImportError: {text}"
    assert capsys.readouterr().err == f"worker here:1 serves pool {pool.name}\n{line}\n"


def test_a_worker_that_cannot_train_is_named_once(pool: TaskPool) -> None:
    pool.submit([TrainingTask.from_config(CONFIG)])
    record = pool.claim("there:7")
    assert record
    pool.heartbeat(record, LeftBehind("[/data/y] does not exist", "there:7").to_document())
    pool.release(record)
    show, out = console()
    left = _Left(show)
    for _ in range(2):
        left.show(pool.summaries())
    assert out.getvalue() == "left to other workers: [/data/y] does not exist (says there:7)\n"
    assert WindowResult.of(pool.get(record.id)).error == "[/data/y] does not exist (says there:7)"


def test_why_a_task_is_left_holds_no_secret(pool: TaskPool) -> None:
    def train(_record: TaskRecord, _progress: Progress) -> None:
        raise NotRunnableHere("http://me:geheim@host has no such run", {})

    pool.submit([TrainingTask.from_config(CONFIG)])
    record = pool.claim("there:7")
    assert record
    with pytest.raises(NotRunnableHere):
        LeavingWord(train, pool)(record, no_progress)
    assert LeftBehind.from_document(pool.get(record.id).progress) == LeftBehind(
        "http://me:***@host has no such run", "there:7"
    )


@pytest.mark.parametrize("progress", [None, {}, {"done": 1}, [1, 2], "half", {"done": "1", "total": 2}])
def test_bars_take_progress_of_any_form(progress: object) -> None:
    task = TaskSummary(
        id="a",
        status=TaskStatus.RUNNING,
        owner="here:1",
        token=1,
        attempts=1,
        not_before=None,
        started_at=None,
        progress=progress,
        result=None,
        updated_at=datetime.now(UTC),
    )
    with open_bars(console()[0]) as shown:
        bars = TrainingBars(shown)
        bars.paint([("[/x]", task)])
        bars.paint([("[/x]", replace(task, progress={"done": 1, "total": 2}))])
        assert (shown.tasks[0].completed, shown.tasks[0].total) == (1, 2)


def test_a_task_without_an_error_is_only_named(pool: TaskPool) -> None:
    record = replace(failed(pool, "x"), status=TaskStatus.WAITING, errors=())
    show, out = console()
    _print_attempt(show, record)
    assert out.getvalue() == "2016-07-01 waiting\n"
    assert str(AttemptFailed(record)).endswith("is waiting")


def test_what_watches_ends_nothing() -> None:
    @harmless
    def show() -> None:
        raise RuntimeError("the terminal is gone")

    show()
