"""How the models learnt: what they look at, and when they stopped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from components.report.content import Training
from components.report.figures.style import CARD, INK, SEQUENTIAL, STEPS, blank
from components.report.measures import thinned

#: Points of a curve that are drawn.
_POINTS = 120


def importance(shares: pd.DataFrame) -> go.Figure:
    """A row for each feature, the most important on top, a column for each window."""
    figure = blank(
        height=20 * len(shares) + 60,
        hovermode="closest",
        xaxis={"type": "category", "ticks": ""},
        yaxis={"autorange": "reversed", "showgrid": False, "tickmode": "linear"},
    )
    figure.add_heatmap(
        x=list(shares.columns),
        y=list(shares.index),
        z=shares.to_numpy(np.float32),
        zmin=0,
        colorscale=SEQUENTIAL,
        xgap=1,
        ygap=1,
        colorbar={"tickformat": ".0%", "thickness": 8, "outlinewidth": 0, "x": 1.0, "xpad": 6},
        hovertemplate="%{y}<br>window %{x}<br>%{z:.1%} of its importance<extra></extra>",
    )
    return figure


def curve_names(trainings: Sequence[Training]) -> dict[str, str]:
    """Segment -> name of the curve that is drawn for it: that of the first metric."""
    names = sorted({name for each in trainings for name, values in each.curves.items() if len(values) > 1})
    metric = names[0].rpartition(".")[0] if names else ""
    return {name.rpartition(".")[2]: name for name in names if name.rpartition(".")[0] == metric}


def curves(trainings: Sequence[Training], name: str) -> go.Figure:
    """One curve of each window, as a ratio to its first value, with the chosen iteration marked."""
    drawn = [each for each in trainings if len(each.curves.get(name, ())) > 1]
    figure = blank(
        height=320,
        hovermode="closest",
        showlegend=False,
        xaxis={"title": {"text": "iteration"}, "hoverformat": "d"},
    )
    chosen = []
    for place, each in enumerate(drawn):
        values = np.asarray(each.curves[name], dtype=np.float64)
        ratio, some = values / values[0], thinned(len(values), _POINTS)
        figure.add_scatter(
            x=some + 1,
            y=ratio[some].astype(np.float32),
            customdata=values[some].astype(np.float32),
            name=each.name,
            mode="lines",
            line={"color": STEPS[place * len(STEPS) // len(drawn)], "width": 1.5},
            hovertemplate=f"window {each.name}<br>iteration %{{x}}: %{{customdata:.5g}}<extra></extra>",
        )
        if each.best_iteration and each.best_iteration <= len(values):
            chosen.append((each.best_iteration, ratio[each.best_iteration - 1], each.name))
    if chosen:
        iterations, ratios, windows = zip(*chosen, strict=True)
        figure.add_scatter(
            x=iterations,
            y=ratios,
            customdata=windows,
            name="chosen",
            mode="markers",
            marker={"color": CARD, "size": 7, "line": {"color": INK, "width": 1.5}},
            hovertemplate="window %{customdata}<br>iteration %{x} is kept<extra></extra>",
        )
    return figure
