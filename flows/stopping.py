"""Ending a run early: by Ctrl-C, by a signal, or by a cancellation in Prefect."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectException, TerminationSignal
from prefect.runtime import deployment, flow_run
from prefect.settings import get_current_settings
from prefect.states import Cancelled

from components.execution import Interrupted

T = TypeVar("T")

#: Seconds between two looks whether the run was cancelled.
_LOOK = 5.0


def run_or_stop(
    begin: Callable[[], Iterable[T]],
    wait: Callable[[list[T]], object],
    stop: Callable[[list[T]], object],
    drain: threading.Event | None = None,
) -> list[T] | State[Any]:
    """Begin trainings and wait for them; when that is interrupted (Ctrl-C, a signal, a cancellation), stop them.

    The first ones train while the last ones are begun, so both can be interrupted. With `drain`, the first SIGTERM
    to a command sets that, and the wait goes on. A run of a deployment differs: there SIGTERM is how Prefect
    cancels it, and a drain might take longer than Prefect waits.

    Returns:
        What was begun and has ended; of a flow run that was cancelled in Prefect, its state.
    """
    _listen_again()
    begun: list[T] = []
    with _cancellation(lambda: stop(begun)) as cancelled:
        try:
            try:
                begun.extend(begin())
                wait(begun)
            except TerminationSignal:
                if drain is None or cancelled.is_set() or deployment.id:
                    raise
                drain.set()
                print("finishing what is in hand; a second signal gives it back at once", file=sys.stderr)  # noqa: T201
                wait(begun)
        except BaseException as error:
            stop(begun)
            if not (cancelled.is_set() and isinstance(error, (Exception, TerminationSignal, Interrupted))):
                raise
    return Cancelled(message="its tasks were given back") if cancelled.is_set() else begun


def obey_signals(stop: threading.Event) -> None:
    """In a process of the process runner: Ctrl-C and SIGTERM stop its training, so that the task is given back."""
    if multiprocessing.parent_process() and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())


@contextmanager
def _cancellation(stop: Callable[[], object]) -> Iterator[threading.Event]:
    """While the block runs, stop it once somebody has cancelled this flow run in Prefect; the event is set then.

    Only runs of deployments are ended by Prefect itself.
    """
    cancelled, ended = threading.Event(), threading.Event()

    def watch(run: UUID) -> None:
        while not ended.wait(_LOOK):
            with suppress(httpx.HTTPError, PrefectException), get_client(sync_client=True) as client:
                state = client.read_flow_run(run).state
                if state and (state.is_cancelling() or state.is_cancelled()) and not ended.is_set():
                    cancelled.set()
                    stop()
                    return

    # Without a server of its own nobody could cancel it.
    if get_current_settings().api.url and flow_run.id:
        threading.Thread(target=watch, args=[UUID(flow_run.id)], name="cancellation", daemon=True).start()
    try:
        yield cancelled
    finally:
        ended.set()


def _listen_again() -> None:
    """Some extension modules (polars is one) put a handler of their own in place of Python's when imported."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.getsignal(number))
