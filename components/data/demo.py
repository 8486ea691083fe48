"""A market made from a seed, with a signal that can be learnt: nothing to download, always the same."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import numpy as np

from components.data.calendar import Days, TradingCalendar, to_day
from components.data.demo_bars import Bars, simulate
from components.data.market import Market, Panel, Positions, Spans
from components.errors import InputError, nearest

#: The instrument that stands for the market as a whole; it is in no universe.
BENCHMARK = "DEMO000"
_FIRST_YEAR = 2015
#: Month and day of the holidays that fall on a weekday in most years.
_HOLIDAYS = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3), (12, 25))
#: Share of the instruments that are in universe `demo` at any time, and how many days it stays the same.
_MEMBER_SHARE, _MEMBER_DAYS = 0.8, 120


@dataclass(frozen=True)
class DemoOptions:
    """What a demo market is made from."""

    #: Another seed is another market with the same laws.
    seed: int = 7
    #: Number of instruments, the benchmark not counted.
    instruments: int = 100
    #: Number of years, from January 2015 on.
    years: int = 6
    #: The day from which other laws hold, see `simulate`; None: the same ones throughout.
    regime: str | None = None

    @property
    def uri(self) -> str:
        """The address of the market."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return "demo:?" + "&".join(f"{name}={value}" for name, value in sorted(given.items()))


_BOUNDS = {"seed": (0, 2**32 - 1), "instruments": (10, 5000), "years": (1, 30)}


def parse_demo_options(text: str) -> DemoOptions:
    """Read ``?seed=7&instruments=100&years=6&regime=2019-06-03``; every option may be left out.

    Raises:
        InputError: for an unknown option, a value that is not a whole number or out of bounds, or a regime that
            is not a date between the market's second and last day.

    """
    options: dict[str, str] = {}
    names = [field.name for field in fields(DemoOptions)]
    for name, value in parse_qsl(text.removeprefix("?"), keep_blank_values=True):
        if name not in names:
            hint = nearest(name, names) or "; it has " + ", ".join(names)
            raise InputError(f"demo: has no option {name!r}{hint}")
        if name in options:
            raise InputError(f"demo: the option {name!r} is there twice")
        options[name] = value
    if text.removeprefix("?") and not options:
        raise InputError(f"demo: cannot read the options {text!r}; write demo:?seed=7&instruments=100&years=6")
    read: dict[str, Any] = {name: _number(name, options[name]) for name in _BOUNDS if name in options}
    if "regime" in options:
        read["regime"] = _regime(options["regime"], read.get("years", DemoOptions.years))
    return DemoOptions(**read)


def _number(name: str, value: str) -> int:
    low, high = _BOUNDS[name]
    if not (value.isascii() and value.isdecimal() and len(value) < 12) or not low <= int(value) <= high:
        raise InputError(f"demo: {name} must be a whole number from {low} to {high}, not {value!r}")
    return int(value)


def _regime(value: str, years: int) -> str:
    """The day from which other laws hold, checked."""
    days = _weekdays(years)
    with contextlib.suppress(InputError):
        if len(value) == len("2019-06-03") and days[0] < to_day(value) <= days[-1]:
            return value
    raise InputError(f"demo: regime must be a date after {days[0]} and up to {days[-1]}, not {value!r:.60}")


class DemoMarket(Market):
    """Random walks with a common factor, listings, delistings and suspensions; see `simulate` for the signal.

    Universe `all` holds every instrument but the benchmark, `demo` those with the largest turnover,
    chosen anew twice a year.
    """

    def __init__(self, options: DemoOptions = DemoOptions()) -> None:
        self.options = options
        self.uri = options.uri
        self.calendar = TradingCalendar(_weekdays(options.years))
        self.instruments = tuple(f"DEMO{number:03d}" for number in range(options.instruments + 1))
        days = len(self.calendar)
        regime = days if options.regime is None else self.calendar.at_or_after(options.regime)
        self._bars = simulate(np.random.default_rng(options.seed), options.instruments, days, regime)
        self.fields = tuple(sorted(self._bars.panels))
        self.universes = ("all", "demo")

    @cached_property
    def version(self) -> str:
        """SHA-256 over all values."""
        digest = hashlib.sha256(self.calendar.days.tobytes())
        for field in self.fields:
            digest.update(self._bars.panels[field].tobytes())
        return digest.hexdigest()

    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        """See `Market.panel`."""
        self.check_field(field)
        return self._bars.panels[field][self.places(instruments)]

    def data_range(self, instruments: Sequence[str]) -> tuple[Positions, Positions]:
        """From listing to delisting; see `Market.data_range`."""
        places = self.places(instruments)
        return self._bars.first[places], self._bars.last[places]

    def spans(self, universe: str) -> Spans:
        """Universe `all` or `demo`; see `Market.spans`."""
        self.check_universe(universe)
        if universe == "all":
            return Spans.everywhere(self.instruments[1:], self.calendar)
        return _largest(self._bars, self.instruments, self.calendar)


def _weekdays(years: int) -> Days:
    days = np.arange(f"{_FIRST_YEAR}-01-01", f"{_FIRST_YEAR + years}-01-01", dtype="datetime64[D]")
    closed = [f"{_FIRST_YEAR + year}-{month:02d}-{day:02d}" for year in range(years) for month, day in _HOLIDAYS]
    return days[np.is_busday(days, holidays=np.array(closed, dtype="datetime64[D]"))]


def _largest(bars: Bars, instruments: Sequence[str], calendar: TradingCalendar) -> Spans:
    """Those with the largest turnover of the last half-year, for the next half-year each."""
    turnover = np.nan_to_num(bars.panels["close"] * bars.panels["volume"])[1:]
    size = int(_MEMBER_SHARE * len(turnover))
    codes, first, last = [], [], []
    for start in range(0, len(calendar), _MEMBER_DAYS):
        past = turnover[:, max(0, start - _MEMBER_DAYS) : max(start, 1)].sum(axis=1)
        for place in np.argsort(-past, kind="stable")[:size]:
            codes.append(instruments[place + 1])
            first.append(calendar[start])
            last.append(calendar[min(start + _MEMBER_DAYS, len(calendar)) - 1])
    return Spans(tuple(codes), np.array(first), np.array(last))
