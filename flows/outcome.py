"""How a command that trains ends: its outcome in a file and on the screen, and its status."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from prefect.settings import PREFECT_API_URL

from components.features.kernels import warm_up
from components.rolling import RunResult, WindowsFailed
from flows.console import FAILED
from flows.outage import explained
from flows.workspace import Services


def run_to_its_end(
    flow: Callable[..., Any],
    parameters: Mapping[str, Any],
    services: Services,
    summary: Callable[[RunResult], None],
    outcome: Path | None,
) -> int:
    """Run a flow with the parameters that were given, and tell what came of it.

    Args:
        flow: One that trains.
        parameters: Its parameters by name; None: not given.
        services: What it will use: made ready while Prefect's server starts.
        summary: Prints the result.
        outcome: File for the result as JSON, if one is wanted.

    Returns:
        The exit status.
    """
    _import_server()
    Thread(target=_get_ready, args=[services], name="get-ready", daemon=True).start()
    status = 0
    try:
        with explained():
            result: RunResult = flow(**{name: value for name, value in parameters.items() if value is not None})
    except WindowsFailed as failure:
        result, status = failure.result, FAILED
    if outcome:
        outcome.write_text(json.dumps(result.to_document(), indent=2), "utf-8")
    summary(result)
    return status


def _import_server() -> None:
    """Import Prefect's server, which the flow starts unless one is configured, before MLflow opens its store.

    MLflow then has SQLAlchemy finish the mappings of all classes in the process, so none may be half defined.
    """
    if not PREFECT_API_URL.value():
        import_module("prefect.server.api.server")


def _get_ready(services: Services) -> None:
    """Open the MLflow store, and compile the kernels in case features have to be made."""
    services.warm_up()
    warm_up()
