"""A node whose task somebody else holds says so in Prefect."""

from __future__ import annotations

from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.states import Running
from prefect.utilities.engine import emit_task_run_state_change_event

from components.execution import LeftBehind, this_process


class ShownHolder:
    """Shows who holds the task that a node waits for, as the state of the node and in its log."""

    def __init__(self) -> None:
        self._shown = f"held by {this_process()}"

    def __call__(self, holder: str | None, left: LeftBehind | None) -> None:
        """Show a holder, None: nobody yet, and what the last one said who could not run it, unless it is shown."""
        where = f"held by {holder}" if holder else f"left to others: {left}" if left else "nobody holds it yet"
        if where == self._shown:
            return
        self._shown = where
        state: State[Any] = Running()
        if holder != this_process():
            state = Running(name="Elsewhere" if holder else "Waiting", message=where)
            get_run_logger().info("%s", where)
        if context := TaskRunContext.get():
            # As the engine does it: an event, which waits for no answer of the server.
            emit_task_run_state_change_event(context.task_run, context.task_run.state, state)
