"""Runs of very many tasks: found by an index, watched cheaply, and their results amended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from components.errors import InputError
from components.pool import ResultChanged, TaskMissing, TaskPool, TaskRecord, TaskStatus
from components.pool.selection import Selection
from components.tasks import content_key

WAITING, RUNNING, PART_DONE, DONE, FAILED, CANCELLED = TaskStatus
MANY = 250_000  # ids of one request that MongoDB refuses: it would have more than 16 MB


def taken(pool: TaskPool, **choice: Any) -> TaskRecord:
    record = pool.claim("host:1", **choice)
    assert record is not None
    return record


# --- runs


def test_tasks_are_found_by_every_run_that_they_are_part_of(pool: TaskPool) -> None:
    pool.submit([{"n": 1}, {"n": 2}], run="monday")
    done = taken(pool)
    pool.complete(done)
    pool.submit([{"n": 1}, {"n": 3}], run="tuesday")  # what is done is part of the new run, too
    pool.submit([{"n": 1}], run="tuesday")
    pool.submit([{"n": 4}])
    assert pool.get(done.id).runs == ("monday", "tuesday")
    assert pool.counts(run="monday") == {DONE: 1, WAITING: 1}
    assert pool.counts({"definition.n": 3}, run="tuesday") == {WAITING: 1}
    assert pool.counts(run="tuesday", ids=[done.id]) == {DONE: 1}
    assert [record.definition["n"] for record in pool.find(run="tuesday")] == [1, 3]
    assert taken(pool, run="tuesday").definition == {"n": 3}
    assert pool.claim("host:1", run="tuesday") is None
    assert pool.prioritise(1, run="monday") == 2
    assert pool.cancel(run="tuesday") == 1
    assert pool.wait(run="tuesday", timeout=timedelta(0)) == {DONE: 1, CANCELLED: 1}
    assert pool.reset(run="tuesday") == 1
    assert pool.remove(run="monday") == 2
    assert pool.count(run="monday") == 0
    assert pool.count() == 2


@pytest.mark.parametrize("look", [{"status": {"$in": list(TaskStatus)}}, {}], ids=["changes", "counts"])
def test_a_look_at_a_run_reads_an_index(pool: TaskPool, look: dict[str, Any]) -> None:
    pool.submit([{"n": n} for n in range(100)])
    pool.submit([{"n": n} for n in range(3)], run="small")
    (where,) = Selection(run="small").filters(**look)
    plan = pool._collection.documents.find(where).explain()
    assert plan["executionStats"]["totalDocsExamined"] == 3


def test_only_the_latest_runs_of_a_task_are_kept(pool: TaskPool) -> None:
    for number in range(103):
        (task_id,) = pool.submit([{"n": 1}], run=str(number))
    assert pool.get(task_id).runs == tuple(map(str, range(3, 103)))


# --- summaries


def test_summaries_show_how_tasks_stand_without_their_bulk(pool: TaskPool) -> None:
    first, second = pool.submit([{"n": 1, "bulk": "x" * 1000}, {"n": 2}], run="r")
    record = taken(pool)
    pool.fail(record, ValueError("no rows"))
    running = taken(pool)
    pool.heartbeat(running, {"iteration": 3})
    found = {summary.id: summary for summary in pool.summaries(run="r")}
    assert set(found) == {first, second}
    failed = found[first].error
    assert (found[first].status, found[first].attempts) == (WAITING, 1)
    assert failed is not None
    assert (failed.type, failed.message, failed.traceback) == ("ValueError", "no rows", "")
    assert (found[second].status, found[second].owner, found[second].progress) == (
        RUNNING,
        "host:1",
        {"iteration": 3},
    )
    pool.complete(running, {"IC": 0.1})
    (changed,) = pool.summaries(run="r", since=pool.get(second).updated_at)
    assert (changed.id, changed.result, changed.error) == (second, {"IC": 0.1}, None)
    assert [summary.id for summary in pool.summaries({"status": "done"}, ids=[first, second])] == [second]


# --- very many ids


def test_any_number_of_ids_will_do(pool: TaskPool) -> None:
    here = pool.submit([{"n": n} for n in range(3)])
    nowhere = [f"{number:064x}" for number in range(MANY)]
    ids = [*nowhere[:100_000], here[2], *nowhere[100_000:], here[0], here[0]]
    assert pool.counts(ids=ids) == {WAITING: 2}
    assert pool.count(ids=ids) == 2
    assert [record.id for record in pool.find(ids=ids)] == [here[0], here[2]]  # in the order of creation
    assert [record.id for record in pool.find(ids=ids, limit=1)] == [here[0]]
    assert len(pool.summaries(ids=ids)) == 2
    assert pool.prioritise(5, ids=ids) == 2
    record = taken(pool, ids=ids)
    assert record.id == here[0]
    assert taken(pool, ids=ids).id == here[2]
    assert pool.claim("host:1", ids=ids) is None
    assert pool.cancel(ids=ids) == 2
    assert pool.reset(ids=ids) == 2
    assert pool.remove(ids=ids) == 2
    with pytest.raises(TaskMissing, match=f"has no task {nowhere[0]} .*nor 250,001 more"):
        pool.wait(ids=ids, timeout=timedelta(seconds=1))


def test_no_ids_are_no_tasks(pool: TaskPool) -> None:
    pool.submit([{"n": 1}])
    assert (pool.find(ids=[]), pool.counts(ids=[]), pool.claim("x", ids=[])) == ([], {}, None)
    assert (pool.remove(ids=[]), pool.wait(ids=[])) == (0, {})


# --- results that become known later


def test_a_result_is_amended_only_as_it_was_read(pool: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    record = taken(pool)
    with pytest.raises(ResultChanged, match=f"task {task_id} is running, not done; nothing was written"):
        pool.amend(record, {"IC": 0.1})
    pool.complete(record, {"IC": float("nan"), "a.b": 1})
    read = pool.get(task_id)
    pool.amend(read, {"IC": 0.1, "$x": 2})
    amended = pool.get(task_id)
    assert (amended.status, amended.result, amended.token) == (DONE, {"IC": 0.1, "$x": 2}, 1)
    assert [event.why for event in amended.history] == ["submit", "claim", "complete", "amend"]
    with pytest.raises(ResultChanged, match="has another result by now"):
        pool.amend(read, {"IC": 0.2})
    with pytest.raises(InputError, match="the result is 1,000"):
        pool.amend(amended, "x" * 1_000_000)
    pool.reset(status=[DONE])
    with pytest.raises(ResultChanged, match="is waiting, not done"):
        pool.amend(amended, {})
    pool.remove(ids=[task_id])
    with pytest.raises(TaskMissing, match=task_id):
        pool.amend(amended, {})


def test_of_two_who_amend_the_same_result_one_is_refused(pool: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    pool.complete(taken(pool), {"days": 1})
    first, second = pool.get(task_id), pool.get(task_id)
    pool.amend(second, {"days": 2})
    with pytest.raises(ResultChanged):
        pool.amend(first, {"days": 3})
    assert pool.get(task_id).result == {"days": 2}


def test_an_id_of_no_task_is_named(pool: TaskPool) -> None:
    (task_id,) = pool.submit([{"n": 1}])
    nowhere = content_key({"n": 2})
    with pytest.raises(TaskMissing, match=f"has no task {nowhere}"):
        pool.get(nowhere)
    assert [record.id for record in pool.get_many([task_id, task_id])] == [task_id, task_id]
    with pytest.raises(TaskMissing, match=nowhere):
        pool.get_many([task_id, nowhere])
    with pytest.raises(TaskMissing, match=f"has no task {nowhere}; submit it"):
        pool.wait(ids=[task_id, nowhere], timeout=timedelta(0))
    with pytest.raises(TaskMissing, match=nowhere):
        pool.wait({"definition.n": 1}, ids=[task_id, nowhere], timeout=timedelta(0))
