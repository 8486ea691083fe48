"""A flow run says where it can be watched, and clears up after runs whose process is gone."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterState
from prefect.client.schemas.filters import FlowRunFilterStateType as StateTypes
from prefect.client.schemas.objects import StateType
from prefect.runtime import flow_run
from prefect.settings import get_current_settings
from prefect.states import Crashed
from prefect.utilities.urls import url_for

from flows.prefect_errors import best_effort

_PROC = Path("/proc")
_LABEL = "rollflow.process"
_PROCESS = re.compile(r"(?P<host>\S+):(?P<pid>\d+) (?P<system>\S+) (?P<begun>\d+)")


def announce() -> None:
    """Print the address of this flow run in Prefect's UI, and mark dead runs of this machine as crashed.

    Prefect learns from nobody that a process was killed, unless it had started it.
    """
    settings = get_current_settings()
    if not settings.api.url:  # a server within this process, which ends with it
        return
    print(f"watch  {url_for('flow-run', flow_run.id)}", file=sys.stderr, flush=True)  # noqa: T201
    if process := _this_process():
        with best_effort("which process runs it"), get_client(sync_client=True) as client:
            client.update_flow_run_labels(UUID(flow_run.id), {_LABEL: process})
            _mark_crashed(client)


def _mark_crashed(client: SyncPrefectClient) -> None:
    running = FlowRunFilter(state=FlowRunFilterState(type=StateTypes(any_=[StateType.RUNNING])))
    same_flow = FlowFilter(name=FlowFilterName(any_=[flow_run.flow_name]))
    for run in client.read_flow_runs(flow_filter=same_flow, flow_run_filter=running):
        found = _PROCESS.fullmatch(str(run.labels.get(_LABEL, "")))
        if found and _is_dead(found):
            message = f"its process {found['host']}:{found['pid']} is gone; tasks that it held are taken over"
            client.set_flow_run_state(run.id, Crashed(message=message), force=True)


def _this_process() -> str | None:
    """This process, told apart from every other one of this or another machine; None where /proc does not tell."""
    system, begun = _system(), _begun(os.getpid())
    return f"{socket.gethostname()}:{os.getpid()} {system} {begun}" if system and begun else None


def _is_dead(found: re.Match[str]) -> bool:
    """Whether a process was one of this system, and there is none of its number and age any more."""
    return found["system"] == _system() and _begun(int(found["pid"])) != found["begun"]


def _system() -> str | None:
    """This boot and this space of process numbers: only in these does a number say anything."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot[:8]}-{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return None


def _begun(pid: int) -> str | None:
    """When a process began, in ticks since the boot; None when there is none."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()[19]
    except OSError:
        return None
