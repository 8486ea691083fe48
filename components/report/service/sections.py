"""Which figures the page of a service has, and what it says where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Iterator

from components.report.figures import service
from components.report.figures.information import MEAN_DAYS
from components.report.parts import Card, Section
from components.report.service.content import ServiceContent


def sections(content: ServiceContent) -> Iterator[Section]:
    """The sections with figures: how the models did, and how the signal changes."""
    yield _realised(content)
    yield _signal(content)


def _realised(content: ServiceContent) -> Section:
    key, title = "realised", "Realised IC"
    realised, names = content.realised, content.strategies
    if realised["ic"].dropna().empty:
        return Section(key, title, (), ("No label of a day that was served is known yet.",))
    note = (
        "Correlation of scores served and labels over the names of a day, summed as labels become known; below, "
        "the first test day of the model that was online."
    )
    cards = [Card("realised-cumulated", "Cumulated", note, service.cumulated(realised, content.spans, names))]
    for place, name in enumerate(names):
        card = Card(
            f"realised-days-{place}",
            f"By day, {name}" if len(names) > 1 else "By day",
            f"Each day served, and moving means of {MEAN_DAYS} days.",
            service.by_day(realised, name),
            half=len(names) > 1,
        )
        cards.append(card)
    return Section(key, title, tuple(cards))


def _signal(content: ServiceContent) -> Section:
    key, title = "signal", "Signal"
    if len(content.days) < 2:
        return Section(key, title, (), ("The signal has one day; how it changes shows from the second on.",))
    cards = (
        Card(
            "turnover",
            "Turnover",
            "How much the ranking of a day is that of the day before, and how much of its best tenth is new.",
            service.turnover(content.turnover),
            half=True,
        ),
        Card(
            "coverage",
            "Coverage",
            "Names of the universe that the models online scored, and those that they could not.",
            service.coverage(content.days, content.strategies),
            half=True,
        ),
    )
    return Section(key, title, cards)
