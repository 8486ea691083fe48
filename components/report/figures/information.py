"""How well the scores rank what happens: IC and Rank IC over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from components.report.content import Training
from components.report.figures.style import (
    BAD,
    CARD,
    DIVERGING,
    FIRST,
    INK,
    SECOND,
    THIRD,
    blank,
    iso,
    line,
    shade_gaps,
)
from components.report.measures import monthly_means, span_means

#: Trading days of a moving mean, and how many of them must be known.
MEAN_DAYS, LEAST_DAYS = 20, 5
_NAMES = (("ic", "IC", FIRST), ("rank_ic", "Rank IC", SECOND))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBER = ".3f"
#: Windows that still can have outlines and large marks.
_OUTLINED = 40


def cumulated(daily: pd.DataFrame, gaps: Sequence[str]) -> go.Figure:
    """IC and Rank IC summed over the days."""
    figure = blank(height=320)
    for column, name, colour in _NAMES:
        figure.add_trace(line(daily[column].fillna(0.0).cumsum(), name, colour, number=".2f"))
    return shade_gaps(figure, gaps)


def compared(daily: Mapping[str, pd.Series[Any]]) -> go.Figure:
    """IC of several runs summed over the days, by name; the first stands out."""
    figure = blank(height=300)
    for (name, values), colour in zip(daily.items(), (FIRST, SECOND, THIRD, BAD), strict=False):
        total = values.fillna(0.0).cumsum()
        figure.add_trace(line(total, name, colour, number=".2f", thin=colour != FIRST))
    return figure


def by_day(daily: pd.DataFrame, gaps: Sequence[str]) -> go.Figure:
    """Every day's IC as a point, and the moving means of IC and Rank IC."""
    figure = blank(height=280)
    figure.add_scatter(
        x=iso(daily.index),
        y=daily["ic"].to_numpy(np.float32),
        name="IC of the day",
        mode="markers",
        marker={"color": FIRST, "size": 3, "opacity": 0.35},
        hovertemplate=f"%{{y:{_NUMBER}}}",
    )
    for column, name, colour in _NAMES:
        means = daily[column].rolling(MEAN_DAYS, min_periods=LEAST_DAYS).mean()
        figure.add_trace(line(means, f"{name}, {MEAN_DAYS} days", colour, number=_NUMBER))
    return shade_gaps(figure, gaps)


def by_window(daily: pd.DataFrame, trainings: Sequence[Training]) -> go.Figure:
    """Means over each window's test segment, as wide as it is long."""
    tests = [each.segments["test"] for each in trainings]
    first, last = (np.array(side, dtype="datetime64[D]") for side in zip(*tests, strict=True))
    hours = (last + 1 - first).astype("timedelta64[h]")
    few = len(trainings) <= _OUTLINED
    figure = blank(height=280, hovermode="closest")
    figure.add_bar(
        name="IC",
        width=hours.astype("timedelta64[ms]").astype(np.float64),
        marker={"color": FIRST, "opacity": 0.8, "line": {"color": CARD, "width": int(few)}},
    )
    figure.add_scatter(
        name="Rank IC",
        mode="markers",
        marker={
            "color": SECOND,
            "size": 7 if few else 4,
            "symbol": "diamond",
            "line": {"color": CARD, "width": int(few)},
        },
    )
    for trace, (column, name, _) in zip(figure.data, _NAMES, strict=True):
        trace.update(
            x=first.astype("datetime64[h]") + hours // 2,
            y=span_means(daily[column], first, last).astype(np.float32),
            customdata=[f"{start} to {end}" for start, end in tests],
            hovertemplate=f"%{{customdata}}<br>{name} %{{y:{_NUMBER}}}<extra></extra>",
        )
    return figure


def by_month(daily: pd.DataFrame) -> go.Figure:
    """A row for each year, a column for each month; IC in hundredths."""
    table = monthly_means(daily["ic"].dropna()) * 100
    # a month of a day or two may stand out so far that all others would look alike
    most = float(np.nanquantile(np.abs(table.to_numpy()), 0.95))
    figure = blank(
        height=30 * len(table) + 70,
        margin={"t": 28},
        hovermode="closest",
        xaxis={"side": "top", "showline": False, "ticks": "", "tickmode": "linear", "fixedrange": True},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False, "fixedrange": True},
    )
    figure.add_heatmap(
        x=_MONTHS,
        y=[str(year) for year in table.index],
        z=table.to_numpy(np.float32),
        zmin=-most,
        zmax=most,
        colorscale=DIVERGING,
        showscale=False,
        xgap=2,
        ygap=2,
        texttemplate="%{z:.1f}",
        textfont={"color": INK},
        hoverongaps=False,
        hovertemplate="%{x} %{y}<br>IC %{z:.1f} hundredths<extra></extra>",
    )
    return figure
