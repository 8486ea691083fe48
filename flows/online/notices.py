"""When people are told of a service: a day has something to say, a gate is red, a run has failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.runtime import flow_run as this_run
from prefect.utilities.urls import url_for
from pydantic import ValidationError

from components.errors import InputError
from components.serving import ServingFailed
from components.serving.notice import Notice, notices_of
from components.settings import Settings
from flows.notifying import tell
from flows.online.nodes import Served
from flows.online.options import RoutineOptions
from flows.online.service import Service
from flows.request import read_run
from flows.watching import harmless


@harmless
def tell_served(service: Service, served: Served) -> None:
    """Tell of days that were served, and of the one at which they stopped; a simulation is nobody's news."""
    if service.simulation:
        return
    name, history = service.workspace.experiment, service.open(again=False).history()
    notices = [each for day in served.days for each in notices_of(name, day, history.before(day.day).last)]
    if served.red and this_run.run_count == 1:  # further attempts at a day find what this one has found
        notices.append(Notice(service=name, day=served.red.day, kind="gate", text=served.red.summary))
    tell_all(notices)


@harmless
def tell_failed(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001
    """A hook of Prefect's: tell that a run has failed for good, or that its process has died."""
    if flow_run.run_count == 1 and isinstance(_error(state), ServingFailed):
        return  # its days have said so
    attempts = f"given up after {flow_run.run_count} attempts: " if flow_run.run_count > 1 else ""
    text = f"{flow_run.name}: {attempts}{state.message or state.name}"
    notice = Notice(service=_service(flow_run.parameters), day=None, kind="failure", text=text)
    tell(notice, url_for("flow-run", flow_run.id), Settings.from_env())


def tell_all(notices: Iterable[Notice]) -> None:
    """Send notices with the address of this run."""
    settings = Settings.from_env()
    for notice in notices:
        tell(notice, url_for("flow-run", this_run.id), settings)


def _error(state: State[Any]) -> object:
    """The error of a run that has failed in this process; None: another process has seen it."""
    return getattr(state.data, "result", state.data)


def _service(parameters: dict[str, Any]) -> str:
    """The service that a run was asked for, whatever else is wrong with it."""
    try:
        return read_run(RoutineOptions(**parameters)).experiment_name
    except (InputError, ValidationError):
        return str(parameters.get("experiment") or parameters.get("config") or "demo")
