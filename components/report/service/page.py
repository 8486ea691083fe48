"""The page of a service as one HTML file, and that of one of its days."""

from __future__ import annotations

from collections.abc import Sequence

from components.report.figures.information import MEAN_DAYS
from components.report.html import fill
from components.report.parts import Headline, written
from components.report.service.content import COLOURS, Finding, Level, ServiceContent
from components.report.service.sections import sections
from components.report.service.sparkline import sparkline

#: Lines of the table of days.
_DAYS = 60
_WORST: tuple[Level, ...] = ("fail", "warn", "ok")


def render(content: ServiceContent) -> str:
    """The HTML of a service, with its figures over time."""
    parts = list(sections(content))
    return fill(
        "service.html",
        (card for part in parts for card in part.cards),
        content=content,
        sections=parts,
        days=content.days[: -_DAYS - 1 : -1],
        **_shared(content),
    )


def render_day(content: ServiceContent) -> str:
    """The HTML of the newest day alone: some kilobytes, without figures or scripts."""
    return fill("service.html", (), content=content, sections=(), days=(), **_shared(content))


def headlines(content: ServiceContent) -> list[Headline]:
    """The day in a few figures."""
    day = content.newest
    found = []
    if level := worst(content.gate):
        found.append(
            Headline(f"Data gate of {content.stopped}" if content.stopped else "Data gate", COLOURS[level], level)
        )
    if day.missing:
        name = max(day.missing, key=lambda each: day.missing[each])  # the strategy that lacks most
        scored, missing = day.scored[name], day.missing[name]
        found.append(Headline("Names scored", f"{scored} of {scored + missing}", "warn" if missing else ""))
    recent = content.daily["ic"].iloc[-MEAN_DAYS:].mean()
    found.append(Headline(f"Realised IC, {MEAN_DAYS} days", written(recent, "{:.4f}")))
    if content.drift:
        found.append(Headline("Drift alarms", str(day.alarms), "warn" if day.alarms else "ok"))
    trained, failed = sum(map(len, day.trained.values())), len(day.failed)
    found.append(
        Headline(
            "Models trained", f"{trained}, {failed} failed" if failed else str(trained), "fail" if failed else ""
        )
    )
    if content.orders is not None:
        found.append(Headline("Orders", str(len(content.orders.rows))))
    return found


def worst(findings: Sequence[Finding]) -> Level | None:
    """The worst level among findings; None where there is none."""
    levels = {finding.level for finding in findings}
    return next((level for level in _WORST if level in levels), None)


def _shared(content: ServiceContent) -> dict[str, object]:
    """What both pages show."""
    return {
        "headlines": headlines(content),
        "colours": COLOURS,
        "gate": sorted(content.gate, key=lambda finding: _WORST.index(finding.level)),
        "sparkline": sparkline,
    }
