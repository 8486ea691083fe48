"""The nodes of the flows of a service; trainings are the rolling flow's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from components.errors import RollflowError, one_line
from components.pool import TaskStatus
from components.report.runs import REPORT, save_report
from components.rolling import Stored
from components.serving import (
    DayIsRed,
    DayRecord,
    GateReport,
    OnlineManager,
    ServiceResult,
    Training,
    outcome,
    show_in_mlflow,
)
from components.serving.outcome import SIGNALS
from components.serving.publishing import read_content
from flows.online.artifacts import publish_service
from flows.online.progress import days_shown
from flows.online.service import Service
from flows.prefect_errors import best_effort
from flows.prefect_secrets import without_secrets
from flows.services import connect


@dataclass(frozen=True)
class Served:
    """What came of some days."""

    days: tuple[DayRecord, ...] = ()
    #: What the gate said of the day at which they stopped.
    red: GateReport | None = None


@task(name="plan", task_run_name="plan", cache_policy=NO_CACHE)
@without_secrets
def plan(service: Service, days: Sequence[str]) -> list[Training]:
    """What has to be trained for some days, until one whose data is not fit to be served."""

    def planned(manager: OnlineManager) -> tuple[list[str], list[Training]]:
        history = manager.history().before(days[0])
        fit = manager.fit_days(days, history)
        return fit, manager.upcoming(fit[0], fit[-1], history) if fit else []

    fit, trainings = service.on_market(planned)
    get_run_logger().info("%d of %d days to serve, %d models to train", len(fit), len(days), len(trainings))
    return trainings


@task(name="store", task_run_name="store", cache_policy=NO_CACHE)
@without_secrets
def store(service: Service, trainings: Sequence[Training]) -> Stored:
    """The trainings in the pool, failed ones waiting again."""
    manager, pool = service.open(), connect(service.workspace).pool
    context, run = manager.trainer.context, manager.evening.state.recorder.id
    for training in trainings:
        seen = replace(context, until=training.until)
        pool.submit([training.task], context=seen.to_document(), retry=service.workspace.retry, run=run)
    keys = [training.task.key for training in trainings]
    pool.reset(ids=keys)
    done = pool.find({"status": TaskStatus.DONE.value}, ids=keys)
    return Stored(parent=run, run=run, done=frozenset(record.id for record in done))


@task(name="serve", task_run_name="serve", cache_policy=NO_CACHE)
@without_secrets
def serve(service: Service, days: Sequence[str]) -> Served:
    """Serve days in order, until one whose data is not fit: models put online, the day scored, all kept at once."""
    services = connect(service.workspace)
    manager = cache(lambda _market: service.open(again=False))  # a market that was written to is opened anew
    served: list[DayRecord] = []
    red = None
    with days_shown(days) as done:
        for day in days:
            try:
                record = services.on_market(lambda market: manager(market).serve(day))  # noqa: B023 - at once
            except DayIsRed as stopped:
                red = stopped.report
                get_run_logger().error("%s", stopped)
                break
            if record:
                served.append(record)
            done(day)
    get_run_logger().info("%d days served", len(served))
    return Served(tuple(served), red)


@task(name="publish", task_run_name="publish", cache_policy=NO_CACHE)
@without_secrets
def publish(service: Service, served: Served) -> ServiceResult:
    """The signal and the predictions as files, the pages of the days, and how the service stands."""
    made = datetime.now().astimezone()
    result = service.on_market(lambda manager: outcome(manager, served.days, served.red, made=made))
    if service.simulation is None:
        try:
            show_in_mlflow(service.open())
        except RollflowError as error:  # a picture of what is decided: the next run makes it again
            result = replace(result, warnings=(*result.warnings, f"MLflow does not show what is online: {error}"))
    return result


@task(name="report", task_run_name="report", cache_policy=NO_CACHE)
@without_secrets
def report(service: Service, served: Served, result: ServiceResult) -> ServiceResult:
    """The page of the service, and what the Prefect UI shows; a page that cannot be made is a warning."""
    manager, made = service.open(), datetime.now().astimezone()
    history, recorder = manager.history(), manager.evening.state.recorder
    if not history.days:
        return result
    try:
        from components.report.service.page import render  # takes a while, and other processes do without

        signal = recorder.load_table(SIGNALS)["score"]
        content = read_content(manager, history, made, signal=signal, stopped=served.red)
        result = replace(result, report=str(save_report(render(content), recorder, made)))
        address = manager.evening.state.experiments.address(recorder, REPORT)
    except Exception as error:  # the days are served and stored: a picture of them must not make that a failure
        warning = f"the page of the service could not be made: {one_line(error)}"
        get_run_logger().warning(warning, exc_info=True)
        return replace(result, warnings=(*result.warnings, warning))
    with best_effort("the artifacts of the service"):
        publish_service(result, content, address)
    return result
