"""What the scores would have earned: the label of names with high and with low scores."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from components.report.figures.style import FIRST, GROUPS, SHARE, THIRD, blank, line, shade_gaps

_NUMBER = ".1%"


def by_group(returns: pd.DataFrame, gaps: Sequence[str]) -> go.Figure:
    """Labels of each group, the best first, summed over the days."""
    figure = blank(height=340, yaxis={"tickformat": SHARE})
    names = [str(group) for group in returns]
    names[0], names[-1] = f"{names[0]}, highest scores", f"{names[-1]}, lowest"
    for name, colour, (_, labels) in zip(names, GROUPS, returns.items(), strict=True):
        figure.add_trace(line(labels.fillna(0.0).cumsum(), name, colour, number=_NUMBER))
    return shade_gaps(figure, gaps)


def group_means(returns: pd.DataFrame) -> go.Figure:
    """The mean label of each group over all days, less that of all groups, in basis points."""
    means = returns.mean()
    figure = blank(
        height=280,
        hovermode="closest",
        xaxis={"type": "category", "ticks": "", "tickmode": "linear"},
        yaxis={"ticksuffix": " bp"},
    )
    figure.add_bar(
        x=[str(group) for group in returns],
        y=(means - means.mean()).to_numpy() * 1e4,
        marker={"color": list(GROUPS)},
        hovertemplate="group %{x}<br>%{y:.1f} bp a day over the mean<extra></extra>",
    )
    return figure


def long_short(daily: pd.DataFrame, gaps: Sequence[str]) -> go.Figure:
    """Long-short and long-average returns, summed over the days."""
    figure = blank(height=280, yaxis={"tickformat": SHARE})
    for column, name, colour in (
        ("long_short_r", "long-short", FIRST),
        ("long_avg_r", "all names", THIRD),
    ):
        figure.add_trace(line(daily[column].fillna(0.0).cumsum(), name, colour, number=_NUMBER))
    return shade_gaps(figure, gaps)
