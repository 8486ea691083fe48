"""The data gate: a look at a day's data before anything is trained or predicted on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from components.config.online.gate import GateSection
from components.data import Market, TradingCalendar, to_day
from components.data.calendar import Day, Days
from components.serving.gate.bar_checks import constant_columns, enough_bars, jumps, missing_values, zero_volumes
from components.serving.gate.calendar_checks import calendar_in_order, day_is_there
from components.serving.gate.check import Check
from components.serving.gate.recent_bars import Bars, Mask, Universe, members, read_bars, spans_of
from components.serving.gate.revision import Revision, find_revision
from components.serving.gate.seen import BarSums, SeenBars

#: Fields that are looked at even if nothing is computed from them, where the market has them.
_LOOKED_AT = ("close", "factor", "volume")


@dataclass(frozen=True, kw_only=True)
class GateReport:
    """What the gate found on a day."""

    #: ``YYYY-MM-DD``.
    day: str
    checks: tuple[Check, ...]
    #: What was revised of the days that were seen before; None: nothing, or none was seen before.
    revision: Revision | None = None
    #: What to give to the gate as `known` on the next day; None: the day is not there. No part of the document.
    seen: SeenBars | None = field(default=None, compare=False, repr=False)

    @property
    def red(self) -> bool:
        """Whether the day must not be served."""
        return any(check.level == "fail" for check in self.checks)

    @property
    def yellow(self) -> bool:
        """Whether the day may be served, but somebody should look at it."""
        return not self.red and any(check.level == "warn" for check in self.checks)

    @property
    def summary(self) -> str:
        """One line: the colour, and what was found wrong, the worst first."""
        colour = "red" if self.red else "yellow" if self.yellow else "green"
        wrong = [check for level in ("fail", "warn") for check in self.checks if check.level == level]
        found = (
            "; ".join(f"{check.name}: {check.message}" for check in wrong) or f"{len(self.checks)} checks passed"
        )
        return f"gate {colour} on {self.day}: {found}"

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "day": self.day,
            "checks": [check.to_document() for check in self.checks],
            "revision": self.revision.to_document() if self.revision else None,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> GateReport:
        """Read the JSON form."""
        revision = document["revision"]
        return cls(
            day=document["day"],
            checks=tuple(map(Check.from_document, document["checks"])),
            revision=Revision.from_document(revision) if revision else None,
        )


def inspect_day(
    market: Market,
    day: Day,
    universes: Sequence[Universe],
    fields: Sequence[str],
    limits: GateSection,
    known: SeenBars | None = None,
    *,
    sessions: TradingCalendar | None = None,
    benchmark: str | None = None,
) -> GateReport:
    """Look at the data of a day; nothing after it is read.

    Args:
        market: The data as it is now.
        day: The day that is to be served.
        universes: What is predicted, at least one: names of universes, or lists of instruments.
        fields: The fields that features and labels are computed from, without the `$`.
        limits: The limits.
        known: What was seen on the last day that was served; None: nothing yet.
        sessions: The days on which the exchange is open, also those to come, where they are known.
        benchmark: The instrument with which results are compared.

    Raises:
        InputError: for an unknown universe or instrument.
    """
    wanted = to_day(day)
    there = day_is_there(market.calendar, wanted, sessions)
    days = market.calendar.days[market.calendar.days <= wanted]
    if there.level == "fail":
        return GateReport(day=str(wanted), checks=(there,))
    order = calendar_in_order(days, limits, sessions, known.days if known else None)
    if order.level == "fail":  # positions on such a calendar mean nothing
        return GateReport(day=str(wanted), checks=(there, order))
    look = _look(market, days, universes, fields, limits.window, known, benchmark)
    revision = find_revision(known, look.then, market) if known and look.then else None
    checks = (
        there,
        order,
        *(enough_bars(look.bars, member, limits, name) for name, member in look.members),
        missing_values(look.bars, fields, limits),
        zero_volumes(look.bars, limits),
        *jumps(look.bars, limits),
        constant_columns(look.bars, limits),
        *([_benchmark(look.bars, benchmark)] if benchmark else []),
        _revised(revision, known, look.now, limits),
    )
    return GateReport(day=str(wanted), checks=checks, revision=revision, seen=look.now)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Look:
    """What is read of a market for a day."""

    #: Of all instruments that were read: those of the universes, those known before, the benchmark.
    bars: Bars
    #: The name of each universe, and its members, shape (instruments, days).
    members: Sequence[tuple[str, Mask]]
    #: Sums until the day, of the instruments of the universes.
    now: SeenBars
    #: Sums of what was seen before, as it is now; None: nothing was, or only later days.
    then: SeenBars | None


def _look(
    market: Market,
    days: Days,
    universes: Sequence[Universe],
    fields: Sequence[str],
    window: int,
    known: SeenBars | None,
    benchmark: str | None,
) -> _Look:
    """Read each field once, for all checks."""
    unique = list(dict.fromkeys(each if isinstance(each, str) else tuple(sorted(set(each))) for each in universes))
    spans = [spans_of(market, universe) for universe in unique]
    begun = {code for each in spans for code in np.array(each.codes, dtype=object)[each.first <= days[-1]].tolist()}
    wanted = begun.union(known.instruments if known else (), [benchmark] if benchmark else ())
    codes = sorted(wanted.intersection(market.instruments))
    sums = [BarSums(codes, days, fields=sorted(set(fields)), counted=begun)]
    if known and known.last <= days[-1]:
        seen = slice(int(np.searchsorted(days, known.days[0])), int(np.searchsorted(days, known.last, "right")))
        sums.append(BarSums(codes, days, fields=known.fields, counted=known.instruments, span=seen))
    checked = {*fields, *_LOOKED_AT}
    names = sorted(checked.union(known.fields if known else ()))
    panels = read_bars(market, codes, fields=names, end=len(days), window=window, sums=sums)
    recent = days[-window - 1 :]
    belongs = [members(each, codes, recent) for each in spans]
    bars = Bars(
        days=recent,
        instruments=tuple(codes),
        panels={field: panel for field, panel in panels.items() if field in checked},
        member=np.any(belongs, axis=0),
    )
    now, *then = (each.result() for each in sums)
    return _Look(
        bars=bars,
        members=list(zip(map(_name, unique), belongs, strict=True)),
        now=now,
        then=then[0] if then else None,
    )


def _benchmark(bars: Bars, code: str) -> Check:
    """Whether the benchmark has a bar."""
    present = code in bars.instruments and bool(bars.bar[bars.instruments.index(code), -1])
    message = (
        f"{code} has a bar" if present else f"{code} has no bar on {bars.days[-1]}; load it, or name another one"
    )
    return Check(name="benchmark", level="ok" if present else "fail", message=message)


def _revised(revision: Revision | None, known: SeenBars | None, now: SeenBars, limits: GateSection) -> Check:
    """Whether bars have changed since they were seen; what is done then is for the config to say."""
    if known is None or known.last > now.last:
        return Check(name="revision", level="ok", message="nothing was seen before")
    if revision is None:
        return Check(name="revision", level="ok", message=f"bars until {known.last} are as they were")
    count = len(revision.instruments)
    message = f"bars until {known.last} were {revision}; on_revision says: {limits.on_revision}"
    return Check(name="revision", level="warn", message=message, value=count, limit=0)


def _name(universe: Universe) -> str:
    """A universe in a message."""
    if isinstance(universe, str):
        return universe
    return universe[0] if len(universe) == 1 else f"{universe[0]} to {universe[-1]}"
