"""What a run has to do that Prefect has started by a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from prefect import get_run_logger
from prefect.runtime import flow_run

from components.serving.notice import Notice
from components.serving.sessions import Due, Sessions, find_due
from flows.online.notices import tell_all
from flows.online.service import Service

#: The tag of the runs that Prefect makes of a schedule.
TAG = "auto-scheduled"


def due_by_schedule(service: Service) -> Due | None:
    """The days that a run of a schedule has to serve; None: somebody has started this run.

    Raises:
        InputError: before the first training, or for an exchange that is not known.
    """
    if TAG not in flow_run.tags:
        return None
    manager, log = service.open(), get_run_logger()
    manager.missing_days()  # says so when the service has not begun
    section, last = service.config.service.schedule, manager.history().last
    sessions = Sessions.of(section, manager.market)
    # a plain datetime: the difference of Prefect's own ones is no plain timedelta
    scheduled = datetime.fromtimestamp(flow_run.scheduled_start_time.timestamp(), UTC)
    now = datetime.now(UTC)
    due = _with_bars(
        service,
        sessions,
        find_due(section, sessions, scheduled=scheduled, now=now, done=last.day if last else None),
    )
    if warning := sessions.warning(sessions.local(now).date()):
        log.warning("%s", warning)
    log.info("%s", due.why)
    return due


def days_until(service: Service, due: Sequence[str]) -> list[str]:
    """All days to serve until the last one that is due: a service has no holes, also if it runs once a month.

    Args:
        service: The service.
        due: The days that should have a run, in order; the data may lack the last ones.
    """
    manager = service.open()
    last = str(manager.market.calendar.last)
    there = [day for day in due if day <= last]
    return [*(manager.missing_days(there[-1]) if there else []), *(day for day in due if day > last)]


def _with_bars(service: Service, sessions: Sessions, due: Due) -> Due:
    """Less the days of which nobody knows whether they are sessions: had they bars, that would be known."""
    unknown = [day for day in due.days if sessions.is_session(day) is None]
    if not unknown:
        return due
    why = f"no bars of {unknown[0]} yet: it is no session, or the data is late; a later run catches up"
    tell_all([Notice(service=service.workspace.experiment, day=unknown[0], kind="no data", text=why)])
    return replace(due, days=tuple(day for day in due.days if day not in unknown), why=why)
