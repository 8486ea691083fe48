"""A node whose task somebody else holds says so in Prefect."""

from __future__ import annotations

from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.states import Running
from prefect.utilities.engine import emit_task_run_state_change_event

from components.execution import this_process


class ShownHolder:
    """Shows who holds the task that a node waits for, as the state of the node and in its log."""

    def __init__(self) -> None:
        self._shown: str | None = this_process()

    def __call__(self, holder: str | None) -> None:
        """Show a holder, unless it is shown already; None: nobody yet."""
        if holder == self._shown:
            return
        self._shown = holder
        state: State[Any] = Running()
        if holder != this_process():
            where = f"held by {holder}" if holder else "nobody holds it yet"
            state = Running(name="Elsewhere" if holder else "Waiting", message=where)
            get_run_logger().info("%s", where)
        if context := TaskRunContext.get():
            # As the engine does it: an event, which waits for no answer of the server.
            emit_task_run_state_change_event(context.task_run, context.task_run.state, state)
