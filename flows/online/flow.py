"""The flows of online serving: the first training, the routine of a day, and the simulation of a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from prefect import flow, unmapped
from prefect.client.schemas.objects import State
from prefect.futures import wait
from prefect.runtime import flow_run
from prefect.states import Completed

from components.errors import InputError
from components.gc_pause import imports_kept
from components.rolling import Stored, Window
from components.serving import ServiceResult, ServingFailed
from components.serving.outcome import RED
from components.training import Stopwatch
from flows.online import nodes
from flows.online.notices import tell_failed, tell_served
from flows.online.options import BackfillOptions, FirstTrainOptions, RoutineOptions, ServiceOptions, SimulateOptions
from flows.online.scheduled import days_until, due_by_schedule
from flows.online.service import Service, opened
from flows.options import takes
from flows.prefect_secrets import without_secrets
from flows.presence import announce
from flows.retrying import tried_again_if
from flows.rolling import nodes as rolling
from flows.rolling.progress import shown
from flows.runners import open_runner, stop_trainings
from flows.services import connect
from flows.stopping import run_or_stop

Outcome = ServiceResult | State[ServiceResult]


def _name() -> str:
    parameters = flow_run.parameters
    what = parameters.get("experiment") or Path(parameters.get("config") or "demo").stem
    return " ".join(str(part) for part in (flow_run.flow_name, what, parameters.get("day")) if part)


@flow(name="first-train", flow_run_name=_name)
@without_secrets
@takes(FirstTrainOptions)
def first_train(options: FirstTrainOptions) -> Outcome:
    """Begin a service: train the newest window of each strategy, put it online and serve the day."""
    announce()
    with opened(options) as service:
        return _serve(options, service, service.open().first_days(_text(options.day)))


@flow(name="routine", flow_run_name=_name, on_failure=[tell_failed], on_crashed=[tell_failed])
@without_secrets
@takes(RoutineOptions)
def routine(options: RoutineOptions) -> Outcome:
    """Serve all days that were not served yet, in order, until a day.

    A run of a schedule looks at the trading calendar first.
    """
    announce()
    with tried_again_if(_may_mend_itself), opened(options) as service:
        due = None if options.day else due_by_schedule(service)
        if due is None:
            return _serve(options, service, service.open().missing_days(_text(options.day)))
        if not due.days:
            return Completed(message=due.why)
        return _serve(options, service, days_until(service, due.days))


@flow(name="backfill", flow_run_name=_name)
@without_secrets
@takes(BackfillOptions)
def backfill(options: BackfillOptions) -> Outcome:
    """Serve those days of a period that were not served yet."""
    announce()
    with opened(options) as service:
        return _serve(options, service, service.open().lacking(_text(options.first), _text(options.last)))


@flow(name="simulate", flow_run_name=_name)
@without_secrets
@takes(SimulateOptions)
def simulate(options: SimulateOptions) -> Outcome:
    """Serve a past period as it would have been served evening by evening, apart from the service itself."""
    announce()
    with opened(options) as service:
        days = service.open().period(_text(options.first), _text(options.last))
        simulated = replace(service, simulation=(days[0], days[-1]))
        return _serve(options, simulated, simulated.open().unserved(days))


def _serve(options: ServiceOptions, service: Service, days: Sequence[str]) -> Outcome:
    """Train what some days ask for, each model a node; then serve them in order."""
    watch = Stopwatch()
    served = nodes.Served()
    if days:
        with watch.phase("plan"):
            trainings = nodes.plan(service, days)
        if trainings:
            windows = [Window(training.task) for training in trainings]
            with watch.phase("train"):
                stopped = _train(options, service, nodes.store(service, trainings), windows)
            if stopped is not None:
                return stopped
        with watch.phase("serve"):
            served = nodes.serve(service, days)
        tell_served(service, served)
    with watch.phase("publish"):
        result: ServiceResult = nodes.publish(service, served)
    with watch.phase("report"):
        result = nodes.report(service, served, result)
    return result.checked(watch.seconds)


def _may_mend_itself(error: Exception) -> bool:
    """Whether a routine that has failed may end better later: data comes late, and servers come back."""
    if isinstance(error, ServingFailed):  # the pool has tried trainings that failed often enough
        return any(day.status == RED for day in error.result.days)
    return not isinstance(error, InputError)


def _train(
    options: ServiceOptions, service: Service, stored: Stored, windows: Sequence[Window]
) -> State[ServiceResult] | None:
    """Train each model in a node of its own; those that fail are seen when the days are served."""
    workspace, services = service.workspace, connect(service.workspace)
    elsewhere = options.runner == "worker"
    how = "waiting for workers" if elsewhere else workspace.how
    with (
        imports_kept(),
        shown(windows, stored, services.watch(stored.run), how),
        open_runner(options.runner, workspace) as engine,
    ):
        same = {"workspace": workspace, "stored": stored, "elsewhere": elsewhere}
        given = {"window": windows, **{name: unmapped(value) for name, value in same.items()}}
        begin = partial(engine.map, rolling.train, given)
        trained = run_or_stop(begin, wait, partial(stop_trainings, engine, workspace))
        if isinstance(trained, State):
            return trained
        services.end_trainers()  # threads that keep memory
    return None


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
