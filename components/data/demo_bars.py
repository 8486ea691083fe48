"""The laws of the demo market."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.data.market import Panel, Positions

Vector = npt.NDArray[np.float64]

#: Daily volatility of the market and, on average, of what is an instrument's own.
_MARKET_VOLATILITY, _OWN_VOLATILITY = 0.009, 0.017
#: Standard deviation over the instruments of the drift that yesterday's bars foretell.
_DRIFT = 0.0016
#: Days between the bar that foretells a return and the first day of that return.
_DELAY = 2
#: What another regime changes: own volatility, the width of a day's range and the swings of the volume grow so many
#: times, and closes lie lower in the range of their day (their place in it, from 0 to 1, is raised to this power).
_WILDER, _LOWER = 1.6, 1.5


@dataclass(frozen=True)
class Bars:
    """Fields of all instruments, the benchmark first."""

    #: Field -> values, shape (instruments, days).
    panels: dict[str, Panel]
    #: Position of each instrument's first bar.
    first: Positions
    #: Position of each instrument's last bar.
    last: Positions


def simulate(rng: np.random.Generator, instruments: int, days: int, regime: int) -> Bars:
    """Bars of a made-up market.

    The return from the close of day t+1 to that of t+2, which Alpha158's label asks for, has a drift that
    grows with what can be seen on day t: the fall of the last five days, more so on a volume above its
    average, and a close near the day's low. It explains about one percent of the variance over the
    instruments of a day, so the best possible rank IC is about 0.1.

    From the day `regime` on, the drift has the opposite sign, bars are wilder and close lower in their range; the
    days before are the same, to the bit, whatever comes later. With ``regime == days`` nothing ever changes.
    """
    close, shape, volume = _walk(rng, instruments, days, regime)
    first, last = _lifetimes(rng, instruments, days)
    absent = _suspended(rng, instruments, days)
    day = np.arange(days)
    absent |= (day < first[:, None]) | (day > last[:, None])
    fields = _fields(rng, close, shape, volume, regime)
    fields = {name: np.where(absent, np.nan, values) for name, values in fields.items()}
    index = _index(fields)
    panels = {name: np.vstack([index[name], values]).astype(np.float32) for name, values in fields.items()}
    return Bars(
        panels,
        np.concatenate([[0], first]).astype(np.int32),
        np.concatenate([[days - 1], last]).astype(np.int32),
    )


def _walk(rng: np.random.Generator, instruments: int, days: int, regime: int) -> tuple[Vector, Vector, Vector]:
    """Log closes, where in the day's range the close lies (0 low, 1 high), and volumes; (instruments, days)."""
    beta = rng.uniform(0.6, 1.4, instruments)
    own = _OWN_VOLATILITY * rng.lognormal(0, 0.25, instruments)
    size = rng.normal(15, 0.8, instruments)
    market = rng.normal(0.0003, _MARKET_VOLATILITY, days)
    noise = rng.standard_t(5, (days, instruments)) * np.sqrt(3 / 5)
    place = rng.beta(1.5, 1.5, (days, instruments))
    surprise = rng.normal(0, 0.35, (days, instruments))
    # all that is drawn is drawn alike, with and without another regime
    noise[regime:] *= _WILDER
    place[regime:] **= _LOWER
    surprise[regime:] *= _WILDER
    returns = np.zeros((days, instruments))
    activity = np.zeros((days, instruments))
    drift = np.zeros((days + _DELAY, instruments))
    for day in range(1, days):
        foretold = drift[day] if day < regime else -drift[day]
        returns[day] = beta * market[day] + own * noise[day] + foretold
        activity[day] = 0.7 * activity[day - 1] + surprise[day] + 0.15 * (np.abs(noise[day]) - 0.75)
        fall = -returns[max(0, day - 4) : day + 1].sum(axis=0) / np.sqrt(5)
        busy = activity[day] - activity[max(0, day - 19) : day + 1].mean(axis=0)
        score = _standard(fall * np.exp(busy)) + _standard(0.5 - place[day])
        drift[day + _DELAY] = _DRIFT * _standard(score)
    start = rng.normal(2.7, 0.6, instruments)
    return (start + returns.cumsum(axis=0)).T, place.T, np.exp(size + activity).T


def _standard(values: Vector) -> Vector:
    standard: Vector = (values - values.mean()) / values.std()
    return standard


def _lifetimes(rng: np.random.Generator, instruments: int, days: int) -> tuple[Positions, Positions]:
    """A sixth is listed later than the first day, a tenth leaves before the last."""
    first = np.where(rng.random(instruments) < 1 / 6, rng.integers(0, days * 2 // 3, instruments), 0)
    left = rng.integers(days * 3 // 4, days, instruments)
    last = np.where(rng.random(instruments) < 1 / 10, left, days - 1)
    return first.astype(np.int32), last.astype(np.int32)


def _suspended(rng: np.random.Generator, instruments: int, days: int) -> npt.NDArray[np.bool_]:
    """About once in two years an instrument is not traded for one to twenty days."""
    suspended = np.zeros((instruments, days), dtype=np.bool_)
    for place, start in zip(*np.nonzero(rng.random((instruments, days)) < 1 / 500), strict=True):
        suspended[place, start : start + rng.integers(1, 21)] = True
    return suspended


def _fields(
    rng: np.random.Generator, close: Vector, place: Vector, volume: Vector, regime: int
) -> dict[str, Vector]:
    """The bar around each close: its range, the open within it, the average price, the adjustment factor."""
    before = np.hstack([close[:, :1], close[:, :-1]])
    width = np.maximum(np.abs(rng.normal(0.02, 0.008, close.shape)), 0.004) + 0.5 * np.abs(close - before)
    width[:, regime:] *= _WILDER
    low = close - place * width
    high = low + width
    opened = low + rng.beta(1.5, 1.5, close.shape) * width
    average = low + width * (0.25 + 0.5 * rng.random(close.shape))
    # shares are split on a few days: adjusted prices do not jump, the factor does
    splits = np.where(rng.random(close.shape) < 1 / 800, 1.2, 1.0).cumprod(axis=1)
    prices = {"open": opened, "high": high, "low": low, "close": close, "vwap": average}
    return {name: np.exp(value) for name, value in prices.items()} | {"volume": volume, "factor": splits}


def _index(fields: dict[str, Vector]) -> dict[str, Vector]:
    """The benchmark's bars: equally weighted, rebalanced daily, starting at 1000."""
    close = np.log(fields["close"])
    changes = np.nanmean(np.diff(close, axis=1), axis=0)
    level = np.log(1000) + np.concatenate([[0.0], changes.cumsum()])
    prices = ("open", "high", "low", "close", "vwap")
    bars = {name: np.exp(level + np.nanmean(np.log(fields[name]) - close, axis=0)) for name in prices}
    return bars | {"volume": np.nansum(fields["volume"], axis=0), "factor": np.ones(len(level))}
