"""What becomes of runs whose process has died: automations of the Prefect server, made when the flows are offered.

A process that is killed with its worker cannot say so: Prefect would show its run as running for ever. And nobody
runs a run again that has crashed, so that its day would have to wait for the next evening.
"""

from __future__ import annotations

from datetime import timedelta

from prefect.automations import AutomationCore, EventTrigger, Posture, ResourceSpecification
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState

#: Longer than anything is silent that lives: runs give a sign of life every three minutes, and wait ten minutes
#: before they are tried again (`flows.retrying`).
SILENCE = timedelta(minutes=15)
#: Of a killed process Prefect says twice that it has crashed, some seconds apart. Without a pause the second
#: one would hit the next attempt.
PAUSE = timedelta(seconds=30)
#: A run that has crashed so often is left to people: it may be what kills its processes.
CRASHES = 3

_RUNS: dict[str, str | list[str]] = {"prefect.resource.id": "prefect.flow-run.*"}


def silent_runs() -> AutomationCore:
    """A run that gives no sign of life has crashed."""
    return AutomationCore(
        name="rollflow: silent runs have crashed",
        description="Marks runs as crashed that have begun, or are tried again later, and give no sign of life.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after={f"prefect.flow-run.{each}" for each in ("heartbeat", "Pending", "AwaitingRetry")},
            expect={"prefect.flow-run.*"},
            match=ResourceSpecification(_RUNS),
            match_related=_tagged("rollflow"),
            for_each={"prefect.resource.id"},
            within=SILENCE,
        ),
        actions=[_become(StateType.CRASHED, "Crashed", "no sign of life for a long time: its process has died")],
    )


def crashed_days() -> AutomationCore:
    """A run of a service that has crashed is run again; days that it has served are not served twice."""
    return AutomationCore(
        name="rollflow: crashed runs of services go on",
        description=f"Runs crashed runs of services again, each at most {CRASHES} times.",
        trigger=EventTrigger(
            posture=Posture.Proactive,
            after={"prefect.flow-run.Crashed"},
            expect={"prefect.flow-run.*"},
            # it has crashed before it began, or in one of its first attempts
            match=ResourceSpecification(
                {**_RUNS, "prefect.run-count": [str(count) for count in range(CRASHES + 1)]}
            ),
            match_related=_tagged("online"),
            for_each={"prefect.resource.id"},
            within=PAUSE,
        ),
        actions=[_become(StateType.SCHEDULED, "Scheduled", "goes on: its process had died")],
    )


def take_over() -> None:
    """Let the server find dead runs, and run those of services again; an automation that is paused stays so."""
    with get_client(sync_client=True) as client:
        for automation in (silent_runs(), crashed_days()):
            known = client.read_automations_by_name(automation.name)
            if not known:
                client.create_automation(automation)
            for each in known:
                client.update_automation(each.id, automation.model_copy(update={"enabled": each.enabled}))


def _become(state: StateType, name: str, message: str) -> ChangeFlowRunState:
    return ChangeFlowRunState(state=state, name=name, message=message, force=False)


def _tagged(tag: str) -> ResourceSpecification:
    return ResourceSpecification({"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"})
