"""A small picture of a run for places that show images and run no script."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.report.measures import thinned

_WIDTH, _HEIGHT, _MARGIN = 720, 260, 40
#: Points of a line, so that the picture stays some kilobytes.
_POINTS = 240
_LINES = (("ic", "IC", "#2a62c4"), ("rank_ic", "Rank IC", "#c46a12"))
_TEXT = 'font-family="system-ui, sans-serif" font-size="13"'


def cumulated_ic(daily: pd.DataFrame) -> str:
    """IC and Rank IC summed over the days, as an SVG; empty when there is nothing to draw.

    Args:
        daily: ``ic`` and ``rank_ic`` by day, see `signal_analysis`.
    """
    curves = daily[[column for column, _, _ in _LINES]].fillna(0.0).cumsum()
    if len(curves) < 2:
        return ""
    some = thinned(len(curves), _POINTS)
    low, high = min(0.0, curves.to_numpy().min()), max(0.0, curves.to_numpy().max())
    x = _MARGIN + (_WIDTH - 2 * _MARGIN) * some / (len(curves) - 1)

    def y(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Where values stand, from the top."""
        share = (np.asarray(values, dtype=np.float64) - low) / ((high - low) or 1.0)
        place: npt.NDArray[np.float64] = _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * share
        return place

    def parts() -> Iterator[str]:
        yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}">'
        yield '<rect width="100%" height="100%" fill="#ffffff"/>'
        yield f'<path d="M{_MARGIN} {y(0):.1f}H{_WIDTH - _MARGIN}" stroke="#c9ccd1"/>'
        for place, (column, name, colour) in enumerate(_LINES):
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y(curves[column])[some], strict=True))
            yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
            words = f"{name}, cumulated: {curves[column].iloc[-1]:.1f}"
            yield f'<text x="{_MARGIN + 200 * place}" y="24" fill="{colour}" {_TEXT}>{words}</text>'
        for place, anchor, day in (
            (_MARGIN, "start", curves.index[0]),
            (_WIDTH - _MARGIN, "end", curves.index[-1]),
        ):
            yield (
                f'<text x="{place}" y="{_HEIGHT - 14}" text-anchor="{anchor}" fill="#68707c" {_TEXT}>'
                f"{pd.Timestamp(day):%Y-%m-%d}</text>"
            )
        yield "</svg>"

    return "".join(parts())


def data_uri(svg: str) -> str:
    """An SVG as an address that holds the whole picture."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
