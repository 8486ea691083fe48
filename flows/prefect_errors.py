"""When Prefect's server is lost: what was trained is in the pool, and only Prefect's picture of it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect import get_run_logger
from prefect.exceptions import CancelledRun, PrefectException

from components.errors import InputError
from flows.console import FAILED, Ended
from flows.server import NO_ANSWER


@contextmanager
def best_effort(what: str) -> Iterator[None]:
    """For what is only there to be looked at in Prefect: that it fails is said and fails nothing else."""
    try:
        yield
    except (httpx.HTTPError, PrefectException) as error:
        get_run_logger().warning("%s cannot be shown in Prefect: %s", what, error)


@contextmanager
def explained() -> Iterator[None]:
    """Around a flow of a command: say in one line that it was cancelled in Prefect, or that the server was lost.

    Raises:
        Ended: instead of Prefect's own errors.
        InputError: when the server cannot be reached to begin with.
    """
    try:
        yield
    except CancelledRun:
        text = "cancelled in Prefect: claimed tasks were given back; the same command goes on from here"
        raise Ended(text, FAILED) from None
    except RuntimeError as error:
        if not str(error).startswith("Failed to reach API"):
            raise
        raise InputError(NO_ANSWER) from None
    except httpx.TransportError as error:
        text = (
            f"the Prefect server does not answer ({error or type(error).__name__}); nothing that was trained is "
            "lost, the same command goes on from here"
        )
        raise Ended(text, FAILED, at_once=True) from None
