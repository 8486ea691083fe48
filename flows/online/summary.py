"""The summary that a person reads when days were served."""

from __future__ import annotations

import shlex

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.serving import ServiceResult
from components.serving.outcome import DONE, RED
from flows.rolling.summary import print_warning

#: Days that are listed, the newest; the others are in the file of `--json`.
_LISTED = 10
_COLOURS = {DONE: "green", RED: "red"}


def print_summary(result: ServiceResult, prefect_ui: str | None = None, console: Console | None = None) -> None:
    """Print the days that were served, the models, and what to type next."""
    console = console or Console()
    names = {model.key: model.segments["test"][0] for model in result.models}
    served = sum(day.status == DONE for day in result.days)
    count = f"{served} day{'s' * (served != 1)} served"
    console.print(f"service {result.service}: {count if result.days else 'nothing to do, all days are served'}")
    if result.days:
        console.print(_days(result, names))
        if len(result.days) > _LISTED:
            console.print(f"and {len(result.days) - _LISTED} days before")
    console.print(_models(result))
    for problem in result.problems:
        console.print(Text(problem, "red"), soft_wrap=True)
    for warning in result.warnings:
        print_warning(warning, console)
    console.print("\n[bold]Next[/]")
    rows = [
        ("signal", result.signals or "none"),
        ("report", result.report or "none"),
        ("this service", f"python -m components.tracking show {result.recorder_id[:12]}"),
        ("its days", f"python -m components.pool counts --pool {shlex.quote(result.service + ' days')}"),
        *([("flow runs", prefect_ui)] if prefect_ui else []),
    ]
    for name, value in rows:
        console.print(f"  {name:<14}{value}", soft_wrap=True, highlight=False, markup=False)


def _days(result: ServiceResult, names: dict[str, str | None]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("day", "status", "trained", "online"):
        table.add_column(name, no_wrap=True)
    for day in result.days[-_LISTED:]:
        online = ", ".join(f"{name} {names[key]}" for name, keys in day.online.items() for key in keys)
        table.add_row(day.day, Text(day.status, _COLOURS[day.status]), str(len(day.trained) or ""), online)
    return table


def _models(result: ServiceResult) -> Table:
    table = Table(title="\nModels", title_justify="left", box=None, header_style="bold", pad_edge=False)
    for name in ("strategy", "tested from", "trained", "online"):
        table.add_column(name, no_wrap=True)
    for name in ("days", "IC", "Rank IC"):
        table.add_column(name, justify="right", no_wrap=True)
    for model in result.models:
        online = f"{model.online_from}..{model.online_to or ''}" if model.online_from else ""
        ic = [f"{model.metrics[name]:.4f}" if name in model.metrics else "" for name in ("IC", "Rank IC")]
        days = f"{model.metrics['days']:.0f}"
        table.add_row(model.strategy, str(model.segments["test"][0]), model.trained, online, days, *ic)
    return table
