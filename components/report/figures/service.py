"""A service over time: how its models did, how its signal changes, how many names it has a score of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from components.report.figures import information
from components.report.figures.information import LEAST_DAYS, MEAN_DAYS
from components.report.figures.style import BAD, CARD, FIRST, FOURTH, SECOND, SHARE, THIRD, area, iso, line, stacked
from components.report.service.content import DayLine, Span

_DAY_MS = 86_400_000
_NUMBER = ".3f"
#: Names without a score that need no more ticks.
_FEW = 4
#: Share of the period from which on there is room for a model's name.
_NAMED = 0.1
#: Of strategies, in order.
_COLOURS = (FIRST, SECOND, FOURTH, THIRD)


def cumulated(realised: pd.DataFrame, spans: Sequence[Span], strategies: Sequence[str]) -> go.Figure:
    """IC and Rank IC of what was served, summed; below, which model that was. Challengers start where it was then.

    Args:
        realised: See `ServiceContent.realised`.
        spans: Which model was online when.
        strategies: Their names.
    """
    band = 22 * len(strategies) + 16
    height = 300 + band
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=(300, band), vertical_spacing=24 / height)
    for name, colour in _coloured(strategies):
        mine = _by_day(realised[realised["strategy"] == name])
        served = mine[mine["champion"]]
        prefix = f"{name}, " if len(strategies) > 1 else ""
        total = served[["ic", "rank_ic"]].fillna(0.0).cumsum()
        figure.add_trace(line(total["ic"], f"{prefix}IC", colour, number=".2f"), row=1, col=1)
        figure.add_trace(line(total["rank_ic"], f"{prefix}Rank IC", colour, number=".2f", thin=True), row=1, col=1)
        if len(beside := _beside(mine, total["ic"])):
            trace = line(beside, f"{prefix}challenger, IC", colour, number=".2f").update(line_dash="dash")
            figure.add_trace(trace, row=1, col=1)
        figure.add_trace(_band([span for span in spans if span.strategy == name], name, colour), row=2, col=1)
    return figure.update_layout(
        template={},
        height=height,
        barmode="overlay",
        bargap=0.2,
        xaxis2={"type": "date"},
        yaxis2={"type": "category", "autorange": "reversed", "showgrid": False, "fixedrange": True},
    )


def by_day(realised: pd.DataFrame, strategy: str) -> go.Figure:
    """Each day's IC of what a strategy served as a point, moving means, and that of its challengers."""
    mine = _by_day(realised[realised["strategy"] == strategy])
    figure = information.by_day(mine[mine["champion"]], ())
    beside = mine[~mine["champion"]]
    means = (
        of_model["ic"].rolling(MEAN_DAYS, min_periods=LEAST_DAYS).mean()
        for _, of_model in beside.groupby("model", sort=False)
    )
    if len(drawn := _broken(means)):
        figure.add_trace(
            line(drawn, f"challenger, IC, {MEAN_DAYS} days", FIRST, number=_NUMBER).update(line_dash="dash")
        )
    return figure


def turnover(days: pd.DataFrame) -> go.Figure:
    """Rank autocorrelation of the signal, and below it the share of the best tenth that is new."""
    return stacked(
        [
            _points(days["autocorrelation"], "rank autocorrelation", FIRST, number=_NUMBER),
            line(_mean(days["autocorrelation"]), f"rank autocorrelation, {MEAN_DAYS} days", FIRST, number=_NUMBER),
        ],
        [
            _points(days["fresh"], "new in the best tenth", SECOND, number=".0%"),
            line(_mean(days["fresh"]), f"new names, {MEAN_DAYS} days", SECOND, number=".0%"),
        ],
        height=360,
        yaxis2={"tickformat": SHARE, "rangemode": "tozero"},
    )


def coverage(days: Sequence[DayLine], strategies: Sequence[str]) -> go.Figure:
    """Names with a score by strategy, and below it those without."""
    index = pd.DatetimeIndex([each.day for each in days])
    upper, lower = [], []
    for name, colour in _coloured(strategies):
        scored = pd.Series([each.scored.get(name, np.nan) for each in days], index, dtype="float64")
        missing = pd.Series([each.missing.get(name, np.nan) for each in days], index, dtype="float64")
        prefix = f"{name}, " if len(strategies) > 1 else ""
        upper.append(line(scored, f"{prefix}scored", colour, number="d"))
        lower.append(area(missing, f"{prefix}without a score", BAD, number="d"))
    most = max((count for each in days for count in each.missing.values()), default=0)
    whole = {"dtick": 1} if most <= _FEW else {}  # no half names
    return stacked(upper, lower, height=360, yaxis={"rangemode": "tozero"}, yaxis2={"rangemode": "tozero", **whole})


def _by_day(realised: pd.DataFrame) -> pd.DataFrame:
    """Rows by day, in order."""
    return realised.set_axis(pd.DatetimeIndex(realised["day"]), axis=0).sort_index(kind="stable")


def _beside(mine: pd.DataFrame, total: pd.Series[Any]) -> pd.Series[Any]:
    """IC of the challengers summed, each from where what was served stood when it came; NaN between them."""

    def paths() -> Iterator[pd.Series[Any]]:
        for _, of_model in mine[~mine["champion"]].groupby("model", sort=False):
            before = total[total.index < of_model.index[0]]
            yield of_model["ic"].fillna(0.0).cumsum() + (before.iloc[-1] if len(before) else 0.0)

    return _broken(paths())


def _broken(pieces: Iterable[pd.Series[Any]]) -> pd.Series[Any]:
    """Several lines as one, with a gap after each."""
    parts = [part for piece in pieces if len(piece) for part in (piece, pd.Series([np.nan], piece.index[-1:]))]
    return pd.concat(parts) if parts else pd.Series(dtype="float64")


def _band(spans: Sequence[Span], name: str, colour: str) -> go.Bar:
    """The models of a strategy side by side in time, each until the next one."""
    starts = np.array([span.first for span in spans], dtype="datetime64[D]")
    ends = np.append(starts[1:], np.datetime64(spans[-1].last) + 1)
    shares = (ends - starts) / (ends[-1] - starts[0])
    return go.Bar(
        orientation="h",
        y=[name] * len(spans),
        base=iso(starts),
        x=((ends - starts).astype(np.int64) * _DAY_MS).tolist(),
        text=[span.model if share >= _NAMED else "" for span, share in zip(spans, shares, strict=True)],
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        textfont={"color": CARD, "size": 11},
        marker={"color": colour, "opacity": [1.0 if place % 2 else 0.7 for place in range(len(spans))]},
        customdata=[f"{name} {span.model}, {span.first} to {span.last}" for span in spans],
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )


def _points(values: pd.Series[Any], name: str, colour: str, *, number: str) -> go.Scatter:
    """A point for each day, which stands back."""
    marker = {"color": colour, "size": 3, "opacity": 0.35}
    return line(values, name, colour, number=number).update(mode="markers", marker=marker, showlegend=False)


def _mean(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.rolling(MEAN_DAYS, min_periods=LEAST_DAYS).mean()


def _coloured(strategies: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(strategies, islice(cycle(_COLOURS), len(strategies)), strict=True)
