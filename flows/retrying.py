"""Runs of deployments that Prefect tries again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRunPolicy
from prefect.runtime import deployment, flow_run

from flows.prefect_errors import best_effort

#: An outage of a server, and most delays of a vendor's data, are over by then.
TIMES, PAUSE = 3, timedelta(minutes=10)


@contextmanager
def tried_again_if(worth_it: Callable[[Exception], bool]) -> Iterator[None]:
    """In a run of a deployment: let Prefect run the flow again some time after the block has failed.

    A command is left alone: whoever has started it can do so again, and would not like to wait.

    Args:
        worth_it: Whether another attempt may end better.
    """
    try:
        yield
    except Exception as error:
        if deployment.id:
            times = TIMES if worth_it(error) else 0
            policy = FlowRunPolicy(retries=times, retry_delay=int(PAUSE.total_seconds()))
            with best_effort("another attempt"), get_client(sync_client=True) as client:
                client.update_flow_run(UUID(flow_run.id), empirical_policy=policy).raise_for_status()
        raise
