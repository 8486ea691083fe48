"""What of a market a task can see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from components.data import Market
from components.data.fingerprint import DataView, Fingerprints
from components.features import DataHandler, lookahead, lookback, matrix_key, parse
from components.features.expression import depends_on_start, fields
from components.features.processors import Scaler
from components.tasks import TrainingTask
from components.tasks.windows import TEST
from components.training.dataset import build_handler


def bind(
    tasks: Sequence[TrainingTask], market: Market, known: Fingerprints, trusted: Iterable[str] = ()
) -> list[TrainingTask]:
    """The tasks, each bound to the data that it sees of a market.

    A handler's `end_time` beyond the segments changes no value. It is moved to their last day, so that a task is
    the same whatever period it was rolled for.

    Raises:
        InputError: when a handler cannot be built, or does not fit the market.
    """
    tasks = [_loading_no_longer(task, build_handler(task, trusted), market) for task in tasks]
    views = [data_view(task, build_handler(task, trusted), market) for task in tasks]
    return [task.bound_to(found) for task, found in zip(tasks, known.of(market, views), strict=True)]


def data_view(task: TrainingTask, handler: DataHandler, market: Market) -> DataView:
    """All that may influence the model of a task and its predictions, to the last bit.

    These are the days of its segments, those on which processors are fitted and bins are made, and what features
    look back to and labels that are learnt from look ahead to. Labels of the test segment are not seen: they judge
    the predictions, and may become known later. Operators that keep rounding errors, such as ``Std``, see all days
    from the handler's first one.

    Raises:
        InputError: when there is no trading day in a segment, or an expression cannot be read.
    """
    expressions = [parse(text) for columns in handler.columns.values() for text in columns.values()]
    start, _ = handler.span(market)
    spans = [(max(first, start), last) for first, last in _spans(task, handler, market)]
    rows_from = min(first for first, _ in spans)
    history_from = start if any(map(depends_on_start, expressions)) else rows_from
    return DataView(
        fields=tuple(sorted(frozenset().union(*map(fields, expressions)))),
        universe=handler.instruments,
        start=rows_from,
        first=max(0, history_from - max(map(lookback, expressions))),
        last=min(max(last for _, last in spans), len(market.calendar) - 1),
    )


def common_view(views: Iterable[DataView]) -> DataView:
    """All that any of several views with the same fields and universe shows."""
    views = list(views)
    return replace(
        views[0],
        start=min(view.start for view in views),
        first=min(view.first for view in views),
        last=max(view.last for view in views),
    )


def _loading_no_longer(task: TrainingTask, handler: DataHandler, market: Market) -> TrainingTask:
    """The task with a handler that ends with the last segment, if values are the same then."""
    _, end = handler.span(market)
    last = max(market.calendar.span(*segment)[1] for segment in task.segments.values())
    given = (task.handler.get("kwargs") or {}).get("end_time") is not None
    if not given or handler.overrides or matrix_key(handler, market, last) != matrix_key(handler, market):
        return task
    return task.with_handler_kwargs(end_time=str(market.calendar[min(last, end)]))


def _spans(task: TrainingTask, handler: DataHandler, market: Market) -> Iterator[tuple[int, int]]:
    """First and last position of each stretch of days that is seen."""
    _, end = handler.span(market)
    ahead = max(lookahead(parse(text)) for text in handler.columns["label"].values())
    for name, segment in task.segments.items():
        first, last = market.calendar.span(*segment)
        yield first, min(last, end) + (0 if name == TEST else ahead)
    for processor in handler.processors:
        if isinstance(processor, Scaler):
            first, last = market.calendar.span(processor.fit_start_time, processor.fit_end_time)
            # labels that are scaled, or decide which rows are
            of_labels = processor in handler.learn_processors or "label" in processor.groups()
            yield first, min(last, end) + (ahead if of_labels else 0)
    if bin_days := (task.model.get("kwargs") or {}).get("bin_days"):
        yield market.calendar.span(*bin_days)
