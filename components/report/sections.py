"""Which figures a report has, in which order, and what it says where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Iterator

from components.report.content import ReportContent
from components.report.figures import information, learning, portfolio, returns
from components.report.figures.style import GROUPS
from components.report.figures.timeline import timeline
from components.report.measures import importance_shares, quantile_returns
from components.report.parts import Card, Section

#: Features in the figure of importance.
_FEATURES = 20


def sections(content: ReportContent) -> Iterator[Section]:
    """The sections of a report, from the windows to what their models learnt."""
    yield _windows(content)
    yield _information(content)
    yield _returns(content)
    yield _portfolio(content)
    yield _learning(content)
    yield _comparison(content)


def _windows(content: ReportContent) -> Section:
    note = "What each window learns from, stops by and predicts; the gap keeps labels from looking into the test."
    return Section("windows", "Windows", (Card("timeline", "Timeline", note, timeline(content.trainings)),))


def _information(content: ReportContent) -> Section:
    key, title = "information", "Information coefficient"
    daily, gaps = content.daily, content.gaps
    if daily["ic"].dropna().empty:
        return Section(key, title, (), ("No day has both scores and labels, so nothing can be correlated.",))
    cards = [
        Card(
            "ic-cumulated",
            "Cumulated IC",
            "Correlation of scores and labels over the names of a day, summed; a steady slope is a steady signal.",
            information.cumulated(daily, gaps),
        ),
        Card(
            "ic-windows",
            "IC by window",
            "Mean over each test segment.",
            information.by_window(daily, content.trainings),
            half=True,
        ),
        Card(
            "ic-days",
            "IC by day",
            f"Each day, and moving means of {information.MEAN_DAYS} days.",
            information.by_day(daily, gaps),
            half=True,
        ),
        Card("ic-months", "IC by month", "Mean of each month, in hundredths.", information.by_month(daily)),
    ]
    return Section(key, title, tuple(cards))


def _returns(content: ReportContent) -> Section:
    key, title = "returns", "Returns by score"
    if content.daily["long_short_r"].dropna().empty:
        return Section(key, title, (), ("No day has both scores and labels, so there are no returns.",))
    groups = quantile_returns(content.prediction, content.label, len(GROUPS))
    cards = [
        Card(
            "groups",
            "Quantile returns",
            f"The names of a day in {groups.shape[1]} groups by score; the mean label of each, summed.",
            returns.by_group(groups, content.gaps),
        ),
        Card(
            "group-means",
            "Mean by group",
            "Label of a group over that of all, mean of all days.",
            returns.group_means(groups),
            half=True,
        ),
        Card(
            "long-short",
            "Long-short",
            "Half the difference of the best and the worst fifth, and the mean of all names, summed.",
            returns.long_short(content.daily, content.gaps),
            half=True,
        ),
    ]
    return Section(key, title, tuple(cards))


def _portfolio(content: ReportContent) -> Section:
    key, title = "backtest", "Backtest"
    table = content.backtest
    if table is None:
        return Section(key, title, (), ("There is no backtest; add a PortAnaRecord to the task's records.",))
    cards = [
        Card("equity", "Equity", "Growth of 1, and the fall below the highest point.", portfolio.equity(table)),
        Card(
            "excess",
            "Excess return",
            "Return over the benchmark, summed and not compounded, and its drawdown.",
            portfolio.excess_return(table),
            half=True,
        ),
        Card(
            "turnover",
            "Turnover and costs",
            "Shares of the account: traded each day, and paid so far.",
            portfolio.turnover(table),
            half=True,
        ),
    ]
    return Section(key, title, tuple(cards))


def _learning(content: ReportContent) -> Section:
    cards, missing = [], []
    shares = importance_shares({each.name: each.importance for each in content.trainings}, _FEATURES)
    if shares.empty:
        missing.append("There is no feature importance; the model tells of none.")
    else:
        note = f"The {len(shares)} most important features: share of each window's total."
        cards.append(Card("importance", "Feature importance", note, learning.importance(shares)))
    names = learning.curve_names(content.trainings)
    if not names:
        missing.append("There are no training curves; the model logs none.")
    for segment, name in sorted(names.items(), reverse=True):
        metric = name.rpartition(".")[0]
        card = Card(
            f"curve-{segment}",
            f"Training curves, {segment}",
            f"{metric} as a ratio to its first value; faint: the first windows, dots: what is kept.",
            learning.curves(content.trainings, name),
            half=len(names) > 1,
        )
        cards.append(card)
    return Section("learning", "What was learnt", tuple(cards), tuple(missing))


def _comparison(content: ReportContent) -> Section:
    key, title = "comparison", "Earlier runs"
    if not content.compared:
        return Section(key, title, (), ("There is no earlier run of this experiment to compare with.",))
    note = "Of this run and the latest earlier ones of the experiment, each over the days that it tests."
    figure = information.compared({each.name: each.ic for each in content.compared})
    return Section(key, title, (Card("ic-compared", "Cumulated IC", note, figure),))
