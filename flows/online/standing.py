"""The commands that look at a service or decide about it; they need no flow."""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.config import read_config
from components.errors import InputError
from components.pool import TaskStatus
from components.serving import OnlineManager, Request, ServingDay, Verification, verify
from components.serving.day import Action
from components.serving.verify import ModelCheck
from components.settings import Settings
from flows.console import FAILED
from flows.online.options import PromoteCommand, RollbackCommand, StateOptions, StatusCommand, VerifyCommand
from flows.online.service import Service
from flows.opening import open_workspace


def status(options: StatusCommand) -> int:
    """Show how a service stands."""
    with _opened(options) as manager:
        standing = _standing(manager)
    _write(options, standing)
    console = Console()
    console.print(f"service {standing['service']}: {standing['days']} days served, the last {standing['last']}")
    console.print(_roles(standing["strategies"]))
    for request in standing["requests"]:
        what = f"{request['action']} {request['model'][:12]} of {request['strategy']}"
        line = f"with the next day: {what}, asked for by {request['by']} {request['why']}".rstrip()
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for stopped in standing["stopped"]:
        console.print(Text.assemble((stopped["day"], "red"), f" {stopped['error']}"), soft_wrap=True)
    return 0


def promote(options: PromoteCommand) -> int:
    """Let a model take over."""
    return _ask(options, options.strategy, "promote", options.model, options.why)


def rollback(options: RollbackCommand) -> int:
    """Let the champion before take over again."""
    return _ask(options, options.strategy, "roll back", None, options.why)


def check(options: VerifyCommand) -> int:
    """Compare what was served with a rolling run over the same days."""
    with _opened(options, begin=True) as manager:
        found = verify(manager, _text(options.first), _text(options.last))
    _write(options, found.to_document())
    console = Console()
    console.print(_checks(found))
    verdict = "everything is as it was served" if found.equal else "what was served differs"
    console.print(Text(verdict, "green" if found.equal else "red"))
    return 0 if found.equal else FAILED


def _ask(options: StateOptions, strategy: str | None, action: Action, model: str | None, why: str) -> int:
    with _opened(options) as manager:
        names = [each.name for each in manager.strategies]
        if strategy is None and len(names) > 1:
            raise InputError(f"say which strategy, with --strategy: {', '.join(names)}")
        asked = manager.ask(
            Request(
                service=manager.evening.state.service,
                strategy=strategy or names[0],
                action=action,
                model=model,
                by=f"{getpass.getuser()}@{socket.gethostname()}",
                why=why,
            )
        )
    _write(options, asked.to_config())
    line = f"with the next day that is served, {str(asked.model)[:12]} is the champion of {asked.strategy}"
    Console().print(line, markup=False, highlight=False, soft_wrap=True)
    return 0


def _standing(manager: OnlineManager) -> dict[str, Any]:
    """How a service stands, as JSON."""
    history, state = manager.history(), manager.evening.state
    stopped = state.pool.find(
        {
            "definition.kind": ServingDay.kind,
            "definition.service": state.service,
            "definition.run": state.run,
            "status": {"$in": [TaskStatus.WAITING.value, TaskStatus.FAILED.value]},
        }
    )
    return {
        "service": state.service,
        "days": len(history.days),
        "last": history.last.day if history.last else None,
        "strategies": {
            strategy.name: {
                **vars(history.standing(strategy.name)),
                "models": [model.to_document() for model in history.models(strategy.name)],
                "drift": drift.summary
                if history.last and (drift := history.last.drift.get(strategy.name))
                else None,
            }
            for strategy in manager.strategies
        },
        "requests": [request.to_config() for request in state.requests(history)],
        "stopped": [
            {"day": task.definition["day"], "error": task.errors[-1].message} for task in stopped if task.errors
        ],
    }


def _roles(strategies: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("strategy", "role", "model", "tested from", "trained", "drift"):
        table.add_column(name, overflow="fold")
    for name, each in strategies.items():
        known = {model["key"]: model for model in each["models"]}
        for role in ("champion", "challenger", "previous"):
            if (key := each[role]) in known:
                drift = each["drift"] or "" if role == "champion" else ""
                table.add_row(name, role, key[:12], known[key]["segments"]["test"][0], known[key]["trained"], drift)
    return table


def _checks(found: Verification) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("strategy", "model", "from", "to", "scores", "found"):
        table.add_column(name, overflow="fold")
    for each in found.checks:
        scores = str(each.found.rows) if each.found else ""
        table.add_row(each.strategy, each.model[:8], each.first, each.last, scores, _finding(each))
    return table


def _finding(check: ModelCheck) -> str:
    """What a check has found, in words."""
    told = [check.failed] if check.failed else []
    if check.found:
        if check.found.differing:
            told.append(f"{check.found.differing} differ, by {check.found.largest:.1e} at most")
        for count, what in ((check.found.missing, "missing"), (check.found.extra, "too many")):
            told += [f"{count} {what}"] if count else []
    told = told or ["as served"]
    return "; ".join([*told, "data revised since"] if check.revised else told)


@contextmanager
def _opened(options: StateOptions, *, begin: bool = False) -> Iterator[OnlineManager]:
    config = read_config(Path(options.config) if options.config else None).with_options(
        data=options.data, experiment=options.experiment, pool=options.pool
    )
    with open_workspace(Settings.from_env(), config) as workspace:
        yield Service(config, workspace).open(begin=begin)


def _write(options: StateOptions, document: dict[str, Any]) -> None:
    if options.outcome:
        options.outcome.write_text(json.dumps(document, indent=2), "utf-8")


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
