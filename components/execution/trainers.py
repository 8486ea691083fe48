"""The threads of a process that train."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Any, TypeVar

T = TypeVar("T")

#: Seconds that a free trainer waits for whoever is next in line.
_PATIENCE = 30.0


class Trainers:
    """A few threads that train one task after the other, the first in line first.

    Tasks are handed in by threads of their own, which come in any order. So the line is announced, and a free
    trainer waits for the next in line to come or to be skipped.

    Args:
        threads: How many train at the same time.
        patience: Seconds that a trainer waits for who is next in line, should nobody say that it does not come.
    """

    def __init__(self, threads: int, patience: float = _PATIENCE) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="trainer")
        self._patience = patience
        self._changed = threading.Condition()
        self._places: dict[str, int] = {}
        #: Places of those who are still to come, in their order.
        self._expected: dict[str, int] = {}
        self._numbers = count()
        #: A heap of what was handed in: its place, then its number; one for each call of `_train_next`.
        self._waiting: list[tuple[int, int, Future[Any], Callable[[], Any]]] = []

    def expect(self, tasks: Iterable[str]) -> None:
        """Announce ids of tasks that will be handed in, in the order in which they are to be trained."""
        with self._changed:
            self._expected.update((task, self._place(task)) for task in tasks)

    def submit(self, task: str, train: Callable[[], T]) -> Future[T]:
        """Hand in the training of a task; one that was not announced is last in line."""
        future: Future[T] = Future()
        with self._changed:
            heappush(self._waiting, (self._place(task), next(self._numbers), future, train))
        self._threads.submit(self._train_next)
        self.skip(task)
        return future

    def skip(self, *tasks: str) -> None:
        """Wait no longer for tasks to be handed in; without any, for none."""
        with self._changed:
            for task in tasks or tuple(self._expected):
                self._expected.pop(task, None)
            self._changed.notify_all()

    def shutdown(self) -> None:
        """End the threads; what trains is finished first, what waits is cancelled."""
        with self._changed:
            for _, _, future, _ in self._waiting:
                future.cancel()
        self.skip()
        self._threads.shutdown(cancel_futures=True)

    def _place(self, task: str) -> int:
        return self._places.setdefault(task, len(self._places))

    def _train_next(self) -> None:
        future, train = self._next()
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = train()
        except BaseException as error:
            future.set_exception(error)
            del future  # or the error's traceback would keep it, and it the error
        else:
            future.set_result(result)

    def _next(self) -> tuple[Future[Any], Callable[[], Any]]:
        """What is to be trained next; whoever is ahead in line and has not come in time has lost its place."""
        with self._changed:
            self._changed.wait_for(self._first_is_there, self._patience)
            place, _, future, train = heappop(self._waiting)
            self._expected = {task: other for task, other in self._expected.items() if other > place}
            return future, train

    def _first_is_there(self) -> bool:
        return self._waiting[0][0] < next(iter(self._expected.values()), inf)
