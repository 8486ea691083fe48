"""Which bars were revised since they were seen, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from components.data import Market
from components.data.calendar import Days
from components.serving.gate.seen import SeenBars, Vector, code_keys, day_weights, field_weights, has_logarithm

Kind = Literal["split", "mended", "split and mended"]

#: Rounding to float32 moves a logarithm by less than 1.2e-7, and the sum of n of them by the root of n as much.
#: Five times that is noise: a bar of ten years that is mended by less than 0.003 % is not told from it.
_NOISE = 6e-7


@dataclass(frozen=True, kw_only=True)
class Revision:
    """Bars of days that were seen before and have changed since."""

    #: The first day that differs, ``YYYY-MM-DD``.
    since: str
    #: The instruments that differ, sorted.
    instruments: tuple[str, ...]
    #: Those whose whole history was multiplied by a ratio, which is that of their closes: splits, dividends.
    ratios: Mapping[str, float]

    @property
    def kind(self) -> Kind:
        """How the bars have changed."""
        if not self.ratios:
            return "mended"
        return "split" if len(self.ratios) == len(self.instruments) else "split and mended"

    def __str__(self) -> str:
        named = ", ".join(_named(code, self.ratios.get(code)) for code in self.instruments[:3])
        more = f" and {len(self.instruments) - 3} more" if len(self.instruments) > 3 else ""
        return f"{self.kind}, from {self.since}: {named}{more}"

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        ratios = [[code, ratio] for code, ratio in self.ratios.items()]  # a code may hold a dot, and be no key
        return {"kind": self.kind, "since": self.since, "instruments": list(self.instruments), "ratios": ratios}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Revision:
        """Read the JSON form."""
        return cls(
            since=document["since"], instruments=tuple(document["instruments"]), ratios=dict(document["ratios"])
        )


def find_revision(before: SeenBars, now: SeenBars, market: Market) -> Revision | None:
    """Where the bars that were seen have changed; None: nowhere beyond the noise of float32.

    Args:
        before: What was seen.
        now: The same fields, instruments and days as they are now; instruments and days that are gone are absent.
        market: Where to read those bars that have changed.
    """
    gone = sorted(set(before.instruments) - set(now.instruments))
    kept = np.array([code not in gone for code in before.instruments], dtype=np.bool_)
    growth = now.by_instrument - before.by_instrument[:, kept]
    noise = _NOISE * np.sqrt(len(now.days))
    grown = np.abs(growth).max(axis=2, initial=0) > noise
    changed = np.flatnonzero(grown.any(axis=0))
    codes = [now.instruments[place] for place in changed]
    if not codes and not gone:
        return None
    days = np.union1d(before.days, now.days)
    rest = _spread(now, days) - _spread(before, days)
    ratios, split_days = {}, np.zeros(0, dtype=now.days.dtype)
    if codes:
        bars = _ChangedBars(market, now, codes)
        ratios = bars.ratios(growth[:, changed], grown[:, changed], noise)
        rest -= _spread_days(bars.growth_by_day(growth[:, changed], ratios), now.days, days)
        split_days = bars.days_of(ratios)
    mended = len(ratios) < len(codes) or gone
    mended_days = days[np.abs(rest) > _NOISE * np.sqrt(before.by_instrument[..., 0].size)] if mended else days[:0]
    touched = np.concatenate([split_days, mended_days])
    since = touched.min() if len(touched) else days[0]
    return Revision(since=str(since), instruments=tuple(sorted([*codes, *gone])), ratios=ratios)


class _ChangedBars:
    """The bars of the instruments that differ, read once more."""

    def __init__(self, market: Market, seen: SeenBars, codes: Sequence[str]) -> None:
        self._codes, self._fields, self._days = codes, seen.fields, seen.days
        first, last = market.calendar.span(seen.days[0], seen.days[-1])
        self._there = np.zeros((len(seen.fields), len(codes), len(seen.days)), dtype=np.bool_)
        for place, field in enumerate(seen.fields):
            if field in market.fields:
                self._there[place] = has_logarithm(market.panel(field, codes)[:, first : last + 1])
        self._counts = np.einsum("frd,kd->frk", self._there.astype(np.float64), day_weights(seen.days))

    def ratios(self, growth: Vector, grown: npt.NDArray[np.bool_], noise: float) -> dict[str, float]:
        """Instruments whose values have grown by one ratio, or shrunk by it, in each field that has changed."""
        counts = np.maximum(self._counts[..., 0], 1)
        steps = growth[..., 0] / counts
        in_step = (np.abs(growth - steps[..., None] * self._counts) <= 2 * noise).all(axis=2)
        leading = grown.argmax(axis=0)
        if "close" in self._fields:
            leading = np.where(grown[close := self._fields.index("close")], close, leading)
        lead = np.take_along_axis(steps, leading[None], axis=0)
        agrees = np.abs(np.abs(steps) - np.abs(lead)) <= 2 * noise / np.sqrt(counts)
        split = (~grown | (in_step & agrees)).all(axis=0) & (self._counts[..., 0].max(axis=0) > 1)
        return {self._codes[place]: float(np.exp(lead[0, place])) for place in np.flatnonzero(split).tolist()}

    def growth_by_day(self, growth: Vector, split: Mapping[str, float]) -> Vector:
        """What the instruments that were split have added to the sums of the days."""
        is_split = np.array([code in split for code in self._codes])
        keys = code_keys(self._codes)
        total = np.zeros(len(self._days))
        for place, field in enumerate(self._fields):
            steps = growth[place, :, 0] / np.maximum(self._counts[place, :, 0], 1)
            total += (field_weights(field, keys) * steps * is_split) @ self._there[place]
        return total

    def days_of(self, split: Mapping[str, float]) -> Days:
        """The days on which an instrument that was split has a bar."""
        is_split = np.array([code in split for code in self._codes])
        return self._days[self._there[:, is_split].any(axis=(0, 1))]


def _spread(seen: SeenBars, days: Days) -> Vector:
    return _spread_days(seen.by_day, seen.days, days)


def _spread_days(values: Vector, at: Days, days: Days) -> Vector:
    """Values of some days on a longer row of days, 0 on the others."""
    spread = np.zeros(len(days))
    spread[np.searchsorted(days, at)] = values
    return spread


def _named(code: str, ratio: float | None) -> str:
    return code if ratio is None else f"{code} by {ratio:.6g}"
