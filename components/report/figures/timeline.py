"""The windows over time: what each learns from, leaves out and predicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import plotly.graph_objects as go

from components.report.content import Training
from components.report.figures.style import BAD, GAP, REUSED, TEST, TRAIN, VALID, blank

_DAY_MS = 86_400_000
_ONE = timedelta(days=1)
_COLOURS = {
    "train": TRAIN,
    "valid": VALID,
    "gap": GAP,
    "test": TEST,
    "test, reused": REUSED,
    "test, failed": BAD,
}


@dataclass(frozen=True)
class Span:
    """Days of one kind in one window, inclusive."""

    window: str
    kind: str
    first: date
    last: date

    @property
    def text(self) -> str:
        """What a reader is told about it."""
        return f"{self.kind} {self.first} to {self.last}"


def spans(trainings: Sequence[Training]) -> Iterator[Span]:
    """What there is to draw of each window."""
    for each in trainings:
        days = {
            name: (date.fromisoformat(first), date.fromisoformat(last))
            for name, (first, last) in each.segments.items()
            if first and last
        }
        for name in ("train", "valid"):
            if name in days:
                yield Span(each.name, name, *days[name])
        if "test" not in days:
            continue
        learnt = [last for name, (_, last) in days.items() if name != "test"]
        if each.gap and learnt:
            yield Span(each.name, "gap", max(learnt) + _ONE, days["test"][0] - _ONE)
        kind = "test" if each.is_done else "test, failed"
        yield Span(each.name, "test, reused" if each.reused else kind, *days["test"])


def timeline(trainings: Sequence[Training]) -> go.Figure:
    """A row for each window, the first on top."""
    figure = blank(
        barmode="overlay",
        bargap=0.3 if len(trainings) < 60 else 0,
        hovermode="closest",
        height=max(150, min(640, 26 * len(trainings) + 90)),
        xaxis={"type": "date"},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False, "nticks": 24},
    )
    drawn = list(spans(trainings))
    for kind, colour in _COLOURS.items():
        some = [span for span in drawn if span.kind == kind]
        if not some:
            continue
        figure.add_bar(
            name=kind,
            orientation="h",
            y=[span.window for span in some],
            base=[str(span.first) for span in some],
            x=[((span.last - span.first).days + 1) * _DAY_MS for span in some],
            # a gap of a few days among years would be thinner than a pixel
            marker={"color": colour, "line": {"color": colour, "width": 1 if kind == "gap" else 0}},
            customdata=[span.text for span in some],
            hovertemplate="%{customdata}<extra></extra>",
        )
    return figure
