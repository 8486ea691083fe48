"""How a command that trains ends: its outcome in a file and on the screen, and its status."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from typing import Any, Protocol, TypeVar

from components.features.kernels import warm_up
from components.rolling import WindowsFailed
from components.serving import ServingFailed
from flows.console import FAILED
from flows.prefect_errors import explained
from flows.server import PrefectServer


class _Result(Protocol):
    def to_document(self) -> dict[str, Any]: ...


R = TypeVar("R", bound=_Result)


def run_to_its_end(
    flow: Callable[..., Any],
    parameters: Mapping[str, Any],
    server: PrefectServer,
    summary: Callable[[R, str | None], None],
    outcome: Path | None,
) -> int:
    """Run a flow with the parameters that were given, and tell what came of it.

    Args:
        flow: One that trains.
        parameters: Those of its parameters that were given, by name.
        server: Where Prefect reports to.
        summary: Prints the result, and the address of Prefect's UI where there is one for longer.
        outcome: File for the result as JSON, if one is wanted.

    Returns:
        The exit status.
    """
    Thread(target=warm_up, name="warm-up", daemon=True).start()  # in case features have to be made
    server.wait()
    status = 0
    try:
        with explained():
            result: Any = flow(**parameters)
    except (WindowsFailed, ServingFailed) as failure:
        result, status = failure.result, FAILED
    if outcome:
        outcome.write_text(json.dumps(result.to_document(), indent=2), "utf-8")
    summary(result, server.lasting_ui)
    return status
