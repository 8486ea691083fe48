"""The checks of the data gate: each looks at the bars of a day and says in one line what it found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from components.config.online.gate import GateSection, Most
from components.data.market import Panel
from components.serving.gate.check import Check, Level
from components.serving.gate.recent_bars import FILLED, Bars, Mask

#: Instruments that cannot all have the same value by chance.
_SPREAD = 3
#: Relative; float32 keeps seven digits.
_SAME_FACTOR = 1e-6


def enough_bars(bars: Bars, member: Mask, limits: GateSection, universe: str) -> Check:
    """Whether as many instruments have a bar as could be expected."""
    name, least = f"bars {universe}", limits.bars
    present = bars.bar & member
    count = int(present[:, -1].sum())
    if not member[:, -1].any():
        problem = f"{universe} has no member with data on {bars.days[-1]}; update the list of its members"
        return Check(name=name, level="fail", message=problem, value=0, limit=1)
    # who has had no bar for so long, was delisted or is suspended for good
    expected = int((member[:, -1] & bars.bar.any(axis=1)).sum())
    usual = float(np.median(present[:, :-1].sum(axis=0))) if len(bars.days) > 1 else 0.0
    wanted = max(float(expected), usual)
    share = count / wanted if wanted else 0.0
    # of one or two instruments, one may be suspended
    low, lowest = (max(1, int(limit * wanted)) if limit else 0 for limit in (least.warn, least.fail))
    level: Level = "fail" if count < lowest else "warn" if count < low else "ok"
    message = (
        f"{count} of {expected} instruments of {universe} have a bar, the median of the days before is {usual:g}"
    )
    if level != "ok":
        limit = least.fail if level == "fail" else least.warn
        message += f"; that is {share:.1%}, less than {limit:.0%}: load the rest of the day, then run again"
    return Check(name=name, level=level, message=message, value=share, limit=least.fail)


def missing_values(bars: Bars, fields: Sequence[str], limits: GateSection) -> Check:
    """Whether fields lack values of instruments that have a bar."""
    name = "missing values"
    if absent := [field for field in fields if field not in bars.panels]:
        problem = f"the data has no field {', '.join(absent)}; load it, or use other features"
        return Check(name=name, level="fail", message=problem, value=1.0, limit=limits.missing.fail)
    shares = {field: _share(~np.isfinite(bars.panels[field]), bars) for field in fields}
    if empty := [field for field in fields if shares[field].day == 1.0]:
        problem = f"{', '.join(empty)} has no value of any instrument; load the field, then run again"
        return Check(name=name, level="fail", message=problem, value=1.0, limit=limits.missing.fail)
    return _worst(name, shares, limits.missing, "lack a value of {field}: load it again")


def zero_volumes(bars: Bars, limits: GateSection) -> Check:
    """Whether more instruments than usual were not traded."""
    if "volume" not in bars.panels:
        return Check(name="zero volume", level="ok", message="the data has no field volume; nothing to check")
    shares = {"volume": _share(bars.panels["volume"] == 0, bars)}
    return _worst("zero volume", shares, limits.zero_volume, "have a {field} of zero: load it again")


def jumps(bars: Bars, limits: GateSection) -> Iterator[Check]:
    """Whether closes have changed more than they can while the factor stayed: a split that it lacks."""
    if "factor" not in bars.panels or "close" not in bars.panels:
        yield Check(name="jumps", level="ok", message="the data has no close and factor; nothing to check")
        return
    if len(bars.days) == 1:
        yield Check(name="jumps", level="ok", message="the first day; nothing to compare with")
        return
    changes = _changes(bars)
    yield _jumps("jumps", changes, limits.jump, bars, limits.jumps)
    if limits.daily_limit is not None:
        # prices are rounded to cents, half of which is 0.5 % of the cheapest shares
        yield _jumps("daily limit", changes, limits.daily_limit + 0.005, bars, limits.jumps)


def constant_columns(bars: Bars, limits: GateSection) -> Check:
    """Whether a field says the same as on the days before, or the same of all instruments: its feed is stale."""
    name = "constant columns"
    counted = bars.bar[:, -1] & bars.member[:, -1]
    volume = bars.panels.get("volume")
    if volume is not None and (traded := counted & (volume[:, -1] > 0)).any():
        counted = traded
    shares = {
        field: _constant(panel[counted], limits.constant_days)
        for field, panel in bars.panels.items()
        if field not in FILLED
    }
    before = "the day before" if limits.constant_days == 2 else f"the {limits.constant_days - 1} days before"
    return _worst(
        name, shares, limits.constant, f"have the {{field}} of {before}, or all the same one: load it again"
    )


def _constant(values: Panel, days: int) -> _Share:
    """The share of instruments with the same value on so many days; all, when they share one that they did not."""
    count = len(values)
    if _one_value(values[:, -1]) and not (values.shape[1] > 1 and _one_value(values[:, -2])):
        return _Share(1.0, 0.0, count, count)
    if not count or values.shape[1] < days:
        return _Share(0.0, 0.0, 0, count)
    stays = values[:, 1:] == values[:, :-1]
    counts = sliding_window_view(stays, days - 1, axis=1).all(axis=2).sum(axis=0)
    usual = float(np.median(counts[:-1])) / count if len(counts) > 1 else 0.0
    return _Share(float(counts[-1]) / count, usual, int(counts[-1]), count)


@dataclass(frozen=True)
class _Share:
    """A share of the instruments."""

    day: float
    #: Its median on the days before.
    usual: float
    count: int
    of: int

    @property
    def excess(self) -> float:
        return max(0.0, self.day - self.usual)


def _share(found: npt.NDArray[np.bool_], bars: Bars) -> _Share:
    """The share of instruments with a bar of which something was found."""
    with_bar = bars.bar & bars.member
    counts, of = (found & with_bar).sum(axis=0), with_bar.sum(axis=0)
    shares = counts / np.maximum(of, 1)
    usual = float(np.median(before)) if len(before := shares[:-1][of[:-1] > 0]) else 0.0
    return _Share(float(shares[-1]), usual, int(counts[-1]), int(of[-1]))


def _worst(name: str, shares: Mapping[str, _Share], most: Most, what: str) -> Check:
    """The field with the largest share, and all that are above the limit in the message."""
    if not shares:
        return Check(name=name, level="ok", message="nothing to check", value=0.0, limit=most.fail)
    worst = max(shares.values(), key=lambda share: share.excess)
    level = _level(worst, most)
    if level == "ok":
        return Check(name=name, level="ok", message=f"at most {worst.day:.1%}", value=worst.excess, limit=most.fail)
    limit = most.fail if level == "fail" else most.warn
    above = ", ".join(field for field, share in shares.items() if _level(share, most) == level)
    beyond = f" beyond the usual {worst.usual:.1%}" if worst.usual else ""
    message = (
        f"{worst.count} of {worst.of} instruments {what.format(field=above)}; "
        f"{worst.day:.1%} is more than {limit:.0%}{beyond}"
    )
    return Check(name=name, level=level, message=message, value=worst.excess, limit=most.fail)


def _level(share: _Share, most: Most) -> Level:
    """One instrument by itself is never many."""
    beyond = share.excess * share.of
    if beyond > max(1, most.fail * share.of):
        return "fail"
    return "warn" if beyond > max(1, most.warn * share.of) else "ok"


def _changes(bars: Bars) -> npt.NDArray[np.float64]:
    """The change of each close since the bar before; NaN without one, or where the factor changed."""
    close, factor = bars.panels["close"], bars.panels["factor"]
    there = ~np.isnan(close[:, :-1]) & (close[:, :-1] != 0)
    before = there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)
    rows = np.arange(len(close))
    with np.errstate(invalid="ignore", divide="ignore"):
        changes = close[:, -1].astype(np.float64) / close[rows, before] - 1
        same_factor = np.abs(factor[:, -1] / factor[rows, before] - 1) < _SAME_FACTOR
    known = there.any(axis=1) & bars.member[:, -1] & same_factor & np.isfinite(changes)
    return np.where(known, changes, np.nan)


def _jumps(name: str, changes: npt.NDArray[np.float64], limit: float, bars: Bars, most: Most) -> Check:
    sizes = np.nan_to_num(np.abs(changes))
    places = np.flatnonzero(sizes > limit)
    largest = float(sizes.max(initial=0))
    if not len(places):
        return Check(
            name=name, level="ok", message=f"closes changed by {largest:.1%} at most", value=largest, limit=limit
        )
    of = int((bars.bar[:, -1] & bars.member[:, -1]).sum())
    level: Level = "ok"
    if len(places) > most.warn * of:
        level = "fail" if len(places) > max(1, most.fail * of) else "warn"
    order = places[np.argsort(-sizes[places], kind="stable")][:3]
    named = ", ".join(f"{bars.instruments[place]} by {changes[place]:+.1%}" for place in order)
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    message = (
        f"closes changed by more than {limit:.1%} without a change of factor: {named}{more}; "
        "look for splits that the factor lacks"
    )
    return Check(name=name, level=level, message=message, value=largest, limit=limit)


def _one_value(values: npt.NDArray[np.float32]) -> bool:
    return len(values) >= _SPREAD and bool((values == values[0]).all())
