"""What pages are put together from."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Card:
    """One figure with the words that belong to it."""

    #: Its name in the page.
    key: str
    title: str
    #: How to read it.
    note: str
    figure: go.Figure
    #: Whether two of its kind fit side by side.
    half: bool = False


@dataclass(frozen=True, eq=False)
class Section:
    """Figures that answer one question."""

    key: str
    title: str
    cards: tuple[Card, ...]
    #: What cannot be shown, and why; one sentence each.
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Headline:
    """One figure in the head of a page."""

    name: str
    value: str
    #: ``ok``, ``warn`` or ``fail`` gives it a colour.
    level: str = ""


def written(value: float | None, form: str) -> str:
    """A number as people write it; a dash where there is none."""
    if value is None or not isfinite(value):
        return "–"
    return form.format(value).replace("-", "\N{MINUS SIGN}")
