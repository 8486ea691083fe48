"""HTML files that need nothing else, no network either."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from components.report.figures.style import TEMPLATE
from components.report.parts import Card, written
from components.tasks import Json


def fill(template: str, cards: Iterable[Card], **values: Any) -> str:
    """The HTML of a page; 2 MB of it are Plotly's own code, unless there is no figure to draw.

    Args:
        template: File name of the template, see `base.html`.
        cards: The figures that the page has.
        values: What the template asks for besides.
    """
    drawn = {card.key: card.figure.to_plotly_json() for card in cards}
    figures = script_json({"template": TEMPLATE.to_plotly_json(), "figures": drawn})
    return _environment().get_template(template).render(figures=figures, plotly=drawn and _plotly(), **values)


def script_json(value: Json) -> str:
    """JSON that can stand in a script element, whatever texts are in it."""
    text: str = to_json_plotly(value)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


@cache
def _plotly() -> str:
    """Plotly's code, packed: unpacked it would be most of 5 MB."""
    return b64encode(gzip.compress(get_plotlyjs().encode(), compresslevel=6, mtime=0)).decode()


@cache
def _environment() -> Environment:
    loader = PackageLoader("components.report", "")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["written"] = written
    return environment
