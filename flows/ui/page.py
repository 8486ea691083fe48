"""The page that links to everything there is to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #777; }
@media (prefers-color-scheme: dark) { :root { --soft: #aaa; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; margin: 0; } p { color: var(--soft); margin: .25rem 0 0; }
nav { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.75rem 0 2.25rem; }
nav a { flex: 1 1 16rem; border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1.1rem; }
nav a { color: inherit; } a { text-decoration: none; } a:hover { text-decoration: underline; }
nav small { color: var(--soft); display: block; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; } table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; padding-right: 0; }
div { overflow-x: auto; } code { font-size: .9em; }
"""


@dataclass(frozen=True)
class Link:
    """One of the UIs."""

    name: str
    about: str
    address: str


@dataclass(frozen=True)
class Report:
    """A report that can be opened."""

    run: str
    name: str
    experiment: str
    made: datetime
    #: IC over the whole period; None where it is not known.
    ic: float | None


def render(home: str, links: Sequence[Link], reports: Sequence[Report]) -> str:
    """The page as HTML."""
    cards = "".join(
        f'<a href="{escape(link.address)}"><strong>{escape(link.name)}</strong><small>{escape(link.about)}</small>'
        f"<small>{escape(link.address)}</small></a>"
        for link in links
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>rollflow</title>'
        '<link rel="icon" href="data:,">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>'
        f"<h1>rollflow</h1><p>{escape(home)}</p><nav>{cards}</nav><h2>Latest reports</h2>{_table(reports)}"
    )


def _table(reports: Sequence[Report]) -> str:
    if not reports:
        return "<p>None yet: <code>python -m flows.rolling</code> makes the first one.</p>"
    rows = "".join(
        f"<tr><td>{escape(report.made.strftime('%Y-%m-%d %H:%M'))}<td>{escape(report.experiment)}"
        f'<td><a href="/report/{escape(report.run)}">{escape(report.name)}</a>'
        f'<td class="number">{"" if report.ic is None else f"{report.ic:.4f}"}'
        for report in reports
    )
    head = '<tr><th>made<th>experiment<th>report<th class="number">IC'
    return f"<div><table>{head}{rows}</table></div>"
