"""What the figures have in common.

Colours are names of the page's CSS variables: the page puts in those of its light or dark theme as it draws.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

INK, MUTED, LINE, CARD = "var(--ink)", "var(--muted)", "var(--line)", "var(--card)"
FIRST, SECOND, THIRD, FOURTH = "var(--first)", "var(--second)", "var(--third)", "var(--fourth)"
TRAIN, VALID, GAP, TEST, REUSED = "var(--train)", "var(--valid)", "var(--gap)", "var(--test)", "var(--reused)"
BAD = "var(--bad)"
#: From old to new, or from little to much.
STEPS = tuple(f"var(--step-{number})" for number in range(1, 9))
#: From the best group to the worst.
GROUPS = tuple(f"var(--group-{number})" for number in range(1, 6))
#: Below, at and above zero.
DIVERGING = ((0.0, "var(--below)"), (0.5, "var(--zero)"), (1.0, "var(--above)"))
SEQUENTIAL = ((0.0, "var(--heat-1)"), (0.25, "var(--heat-2)"), (0.6, "var(--heat-3)"), (1.0, "var(--heat-4)"))

#: d3 format of a share on an axis: as many digits as it takes.
SHARE = ".3~%"

_AXIS = {"gridcolor": LINE, "linecolor": LINE, "zerolinecolor": MUTED, "zerolinewidth": 1, "automargin": True}

#: The look of every figure; the page adds it, so that it is kept once.
TEMPLATE = go.layout.Template(
    layout={
        "font": {"color": MUTED, "size": 12},
        "paper_bgcolor": CARD,
        "plot_bgcolor": CARD,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": CARD, "bordercolor": LINE, "font": {"color": INK, "size": 12}, "align": "left"},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": INK}},
        "bargap": 0.25,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": INK},
        "xaxis": {
            **_AXIS,
            "showgrid": False,
            "zeroline": False,
            "ticks": "outside",
            "tickcolor": LINE,
            "hoverformat": "%Y-%m-%d",
            "spikethickness": 1,
            "spikedash": "solid",
            "spikecolor": MUTED,
        },
        "yaxis": {**_AXIS, "ticks": "", "ticklabelstandoff": 6},
    }
)


def blank(**layout: Any) -> go.Figure:
    """A figure with nothing in it."""
    return go.Figure(layout={"template": {}, **layout})


def stacked(upper: Iterable[go.Scatter], lower: Iterable[go.Scatter], **layout: Any) -> go.Figure:
    """A figure of two panels, the lower one half as high, that share their x axis."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=(2, 1), vertical_spacing=0.06)
    for row, lines in enumerate((upper, lower), 1):
        for each in lines:
            figure.add_trace(each, row=row, col=1)
    return figure.update_layout(template={}, **layout)


def line(values: pd.Series[Any], name: str, colour: str, *, number: str, thin: bool = False) -> go.Scatter:
    """A line over days; `number` is the d3 format of its values, a thin one stands back."""
    return go.Scatter(
        x=iso(values.index),
        y=values.to_numpy(np.float32),
        name=name,
        mode="lines",
        line={"color": colour, "width": 1 if thin else 2, "dash": "dot" if thin else "solid"},
        hovertemplate=f"%{{y:{number}}}",
    )


def area(values: pd.Series[Any], name: str, colour: str, *, number: str) -> go.Scatter:
    """The area between a line over days and zero."""
    return line(values, name, colour, number=number).update(
        fill="tozeroy", line={"width": 1}, opacity=0.6, showlegend=False
    )


def shade_gaps(figure: go.Figure, gaps: Iterable[str]) -> go.Figure:
    """Mark the days without predictions, given as ``first..last``."""
    for gap in gaps:
        first, last = (np.datetime64(day) for day in gap.split(".."))
        end = str(last + 1)  # a gap of one day has a width too
        figure.add_vrect(x0=str(first), x1=end, fillcolor=BAD, opacity=0.12, line_width=0, layer="below")
    return figure


def iso(days: Any) -> list[str]:
    """Days as ``YYYY-MM-DD``."""
    return list(np.datetime_as_string(np.asarray(days, dtype="datetime64[D]")))
