"""The states of tasks against a model, along random paths (hypothesis)."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pool_invariants import assert_sound

from components.errors import InputError
from components.pool import LeaseLost, ResultChanged, RetryPolicy, TaskPool, TaskRecord, TaskStatus
from components.tasks import content_key

WAITING, RUNNING, PART_DONE, DONE, FAILED, CANCELLED = TaskStatus
ATTEMPTS = 2
LONG, SHORT = timedelta(hours=1), timedelta(milliseconds=1)

numbers = st.integers(0, 3)
_names = count()


@dataclass
class Model:
    """What a task must look like."""

    status: TaskStatus = WAITING
    priority: int = 0
    order: int = 0
    token: int = 0
    claim: str | None = None
    attempts: int = 0
    came_from: TaskStatus = WAITING
    #: Whether its lease has run out, and nobody has noticed.
    expired: bool = False
    errors: int = 0
    path: list[TaskStatus] = field(default_factory=lambda: [WAITING])

    def move(self, status: TaskStatus) -> None:
        self.status = status
        self.expired = False
        self.path.append(status)

    def end_attempt(self, *, non_retryable: bool) -> None:
        self.errors += 1
        self.move(FAILED if non_retryable or self.attempts >= ATTEMPTS else self.came_from)


class PoolMachine(RuleBasedStateMachine):
    url = ""

    def __init__(self) -> None:
        super().__init__()
        retry = RetryPolicy(max_attempts=ATTEMPTS, base_delay=timedelta(0))
        self.pool = TaskPool(self.url, "tests", f"machine_{next(_names)}", lease=LONG, retry=retry)
        self.model: dict[str, Model] = {}
        #: Every record ever claimed: most are out of date and must be refused.
        self.records: list[TaskRecord] = []
        self.orders = count()

    def teardown(self) -> None:
        self.pool._collection.documents.drop()
        self.pool.close()

    def holds(self, record: TaskRecord) -> bool:
        task = self.model.get(record.id)
        return task is not None and task.status is RUNNING and task.claim == record.claim_id

    @initialize(priorities=st.lists(st.integers(-1, 1), min_size=4, max_size=4))
    def begin(self, priorities: list[int]) -> None:
        for number, priority in enumerate(priorities):
            self.submit(number, priority)

    @rule(number=numbers, priority=st.integers(-1, 1))
    def submit(self, number: int, priority: int) -> None:
        (task_id,) = self.pool.submit([{"n": number}], priority=priority)
        if task_id not in self.model:
            self.model[task_id] = Model(priority=priority, order=next(self.orders))
        time.sleep(0.002)  # the order of creation is told apart by the millisecond

    @rule(status=st.sampled_from([WAITING, PART_DONE]), chosen=st.none() | st.sets(numbers), killed=st.booleans())
    def claim(self, status: TaskStatus, chosen: set[int] | None, killed: bool) -> None:
        self.pool.lease = SHORT if killed else LONG
        ids = None if chosen is None else [content_key({"n": number}) for number in chosen]
        record = self.pool.claim("host:1", status=status, ids=ids)
        if not self.ready(status, ids):
            self.everything_expired_is_reaped()  # that is what a claim that finds nothing does
        ready = self.ready(status, ids)
        if not ready:
            assert record is None
            return
        assert record is not None
        assert record.id == min(ready)[2]
        task = self.model[record.id]
        task.token += 1
        task.claim = record.claim_id
        task.attempts += 1
        task.came_from = status
        task.move(RUNNING)
        self.records.append(record)
        if killed:
            self.let_expire(task)

    def ready(self, status: TaskStatus, ids: list[str] | None) -> list[tuple[int, int, str]]:
        return [
            (-task.priority, task.order, key)
            for key, task in self.model.items()
            if task.status is status and (ids is None or key in ids)
        ]

    def let_expire(self, task: Model) -> None:
        time.sleep(0.005)
        task.expired = True

    def everything_expired_is_reaped(self) -> list[str]:
        expired = [key for key, task in self.model.items() if task.expired]
        for key in expired:
            self.model[key].end_attempt(non_retryable=False)
        return expired

    @rule()
    def reap(self) -> None:
        assert sorted(self.pool.reap()) == sorted(self.everything_expired_is_reaped())

    @rule(data=st.data(), status=st.sampled_from([DONE, PART_DONE]))
    def complete(self, data: st.DataObject, status: TaskStatus) -> None:
        record = self.any_record(data)
        if record is None:
            return
        if not self.holds(record):
            with pytest.raises(LeaseLost):
                self.pool.complete(record, status=status)
            return
        self.pool.complete(record, status=status)
        task = self.model[record.id]
        task.move(status)
        task.attempts = 0 if status is PART_DONE else task.attempts

    @rule(data=st.data(), non_retryable=st.booleans())
    def fail(self, data: st.DataObject, non_retryable: bool) -> None:
        record = self.any_record(data)
        if record is None:
            return
        error = InputError("x") if non_retryable else ValueError("x")
        if not self.holds(record):
            with pytest.raises(LeaseLost):
                self.pool.fail(record, error)
            return
        status = self.pool.fail(record, error)
        self.model[record.id].end_attempt(non_retryable=non_retryable)
        assert status is self.model[record.id].status

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        record = self.any_record(data)
        if record is None:
            return
        if not self.holds(record):
            with pytest.raises(LeaseLost):
                self.pool.release(record)
            return
        self.pool.release(record)
        task = self.model[record.id]
        task.attempts -= 1
        task.move(task.came_from)

    @rule(data=st.data(), stale=st.booleans())
    def amend(self, data: st.DataObject, stale: bool) -> None:
        if not self.model:
            return
        key = data.draw(st.sampled_from(sorted(self.model)))
        record = self.pool.get(key)
        if stale or self.model[key].status is not DONE:
            with pytest.raises(ResultChanged):
                self.pool.amend(replace(record, result="another"), "wrong")
            return
        self.pool.amend(record, "right")
        self.model[key].path.append(DONE)

    @rule(data=st.data(), last=st.booleans())
    def beat(self, data: st.DataObject, last: bool) -> None:
        record = self.any_record(data)
        if record is None:
            return
        self.pool.lease = SHORT if last else LONG
        if not self.holds(record):
            with pytest.raises(LeaseLost):
                self.pool.heartbeat(record)
            return
        self.pool.heartbeat(record)
        self.model[record.id].expired = False
        if last:
            self.let_expire(self.model[record.id])

    @rule(number=numbers, priority=st.integers(-1, 1))
    def prioritise(self, number: int, priority: int) -> None:
        key = content_key({"n": number})
        assert self.pool.prioritise(priority, ids=[key]) == (key in self.model)
        if key in self.model:
            self.model[key].priority = priority

    @rule(status=st.sampled_from(TaskStatus))
    def reset(self, status: TaskStatus) -> None:
        hit = [task for task in self.model.values() if task.status is status is not WAITING]
        assert self.pool.reset(status=[status]) == len(hit)
        for task in hit:
            task.attempts = 0
            task.move(WAITING)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if self.model:
            key = data.draw(st.sampled_from(sorted(self.model)))
            task = self.model[key]
            is_open = not task.status.is_finished
            assert self.pool.cancel(ids=[key]) == is_open
            if is_open:
                task.move(CANCELLED)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        if self.model:
            key = data.draw(st.sampled_from(sorted(self.model)))
            assert self.pool.remove(ids=[key]) == 1
            del self.model[key]

    @invariant()
    def the_pool_is_as_the_model_says(self) -> None:
        found = {record.id: record for record in self.pool.find()}
        assert set(found) == set(self.model)
        assert self.pool.counts() == Counter(task.status for task in self.model.values())
        for key, task in self.model.items():
            record = found[key]
            assert (record.status, record.token, record.attempts) == (task.status, task.token, task.attempts)
            assert (record.priority, len(record.errors)) == (task.priority, task.errors)
            assert [event.status for event in record.history] == task.path
        assert_sound(found.values())

    def any_record(self, data: st.DataObject) -> TaskRecord | None:
        if not self.records:
            return None
        return data.draw(st.just(self.records[-1]) | st.sampled_from(self.records))


def test_random_paths(mongo_url: str) -> None:
    machine = type("Machine", (PoolMachine,), {"url": mongo_url})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    few = settings(max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(machine, settings=few)
