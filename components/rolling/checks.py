"""What can be wrong with a task, found before any work: what a plan accepts, the run accepts."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from components.build import read_kwargs
from components.data import Market, to_day
from components.errors import InputError
from components.features import DataHandler, matrix_key, parse
from components.features.engine import OPTIONAL_FIELDS
from components.features.expression import fields
from components.features.processors import Scaler
from components.models import Model
from components.records import PortAnaRecord, Record, SignalRecord
from components.rolling.data_checks import check_values, doubtful_values
from components.rolling.leaks import leaks_of
from components.tasks import TrainingTask
from components.tasks.windows import TEST, TRAIN
from components.training import analyses_of, build_handler, record_class
from components.training.dataset import check_dataset
from components.training.records import check_placeholders, record_configs


def check_task(
    task: TrainingTask, model: Model, handler: DataHandler, market: Market, trusted: Iterable[str] = ()
) -> None:
    """Do nothing for a task that can be trained.

    Args:
        task: The template of a run.
        model: Its model, not fitted.
        handler: Its data handler.
        market: The data.
        trusted: Packages whose classes the task may name.

    Raises:
        InputError: for the first thing that is wrong, in one line.
    """
    model.validate()
    check_dataset(task)
    _check_records(task, market, trusted)
    check_handler(handler, market)
    _check_label(handler)
    _check_segments(task, handler, market)
    check_values(handler, market, _learnt_days(task, handler, market))


def warnings_of(task: TrainingTask, market: Market, trusted: Iterable[str] = ()) -> tuple[str, ...]:
    """What is suspicious about a task that can be trained, but may be meant; a line for each."""
    handler = build_handler(task, trusted)
    leaks = (leak.message for leak in leaks_of(task, handler, market.calendar))
    return (*leaks, *doubtful_values(handler, market))


def _check_records(task: TrainingTask, market: Market, trusted: Iterable[str]) -> None:
    has_signal = False
    for config in record_configs(task):
        cls = record_class(config, trusted)
        check_placeholders(config)
        if cls.needs_model:
            _check_arguments(config, cls)
            # one of a user's own may write the signal as well
            has_signal |= issubclass(cls, SignalRecord) or not cls.__module__.startswith("components.")
        elif not has_signal:
            name = config["class"]
            raise InputError(f"task.record: {name} needs what SignalRecord writes; put SignalRecord before it")
    if not has_signal:
        raise InputError("task.record: there is no SignalRecord, and so nothing to judge; put it first")
    for record in analyses_of(task, market, trusted):
        if isinstance(record, PortAnaRecord):
            _check_period(record, task, market)


def _check_arguments(config: Mapping[str, Any], cls: type[Record]) -> None:
    """Arguments of a record that is made when the model has been fitted."""
    kwargs = read_kwargs(config)
    accepted = inspect.signature(cls).parameters
    given = {name: f"<{name.upper()}>" for name in ("model", "dataset") if name in accepted} | kwargs
    try:
        inspect.signature(cls).bind(**given)
    except TypeError as error:
        raise InputError(f"{config['class']}: {error}; it takes {', '.join(accepted) or 'none'}") from None
    for name in ("model", "dataset"):
        if cls.__module__.startswith("components.") and given[name] != f"<{name.upper()}>":
            raise InputError(f"{config['class']}: {name} must be <{name.upper()}>, not {given[name]!r:.60}")


def _check_period(record: PortAnaRecord, task: TrainingTask, market: Market) -> None:
    start, end = task.segments.get(TEST, (None, None))
    asked = record.backtest.get("start_time"), record.backtest.get("end_time")
    early = asked[1] is not None and start is not None and to_day(asked[1]) < to_day(start)
    late = asked[0] is not None and end is not None and to_day(asked[0]) > market.calendar.last
    if early or late:
        raise InputError(
            f"PortAnaRecord: config.backtest from {asked[0]} to {asked[1]} has no day of the test segment, "
            f"{start} to {end}"
        )


def check_handler(handler: DataHandler, market: Market) -> None:
    """Do nothing for a handler whose rows and columns can be made of a market.

    Raises:
        InputError: for days, instruments, expressions or fields that the market does not have.
    """
    first, last = handler.span(market)
    market.membership(handler.instruments)
    matrix_key(handler, market)  # refuses processors that cannot be told from others
    columns = handler.columns
    if both := columns["feature"].keys() & columns["label"].keys():
        raise InputError(f"the column {min(both)!r} is a feature and the label; give one of them another name")
    for text in (*columns["feature"].values(), *columns["label"].values()):
        for field in sorted(fields(parse(text)) - OPTIONAL_FIELDS):
            market.check_field(field)
    for processor in handler.processors:
        if isinstance(processor, Scaler):
            _check_fit_days(processor, market, first, last)


def _check_fit_days(processor: Scaler, market: Market, first: int, last: int) -> None:
    name, days = type(processor).__name__, (processor.fit_start_time, processor.fit_end_time)
    try:
        start, end = market.calendar.span(*days)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    if start > last or end < first:
        raise InputError(
            f"{name}: no row to fit on from {days[0]} to {days[1]}; the handler's days must include them"
        )


def _check_label(handler: DataHandler) -> None:
    if len(labels := handler.columns["label"]) > 1:
        raise InputError(f"the handler has two labels or more ({', '.join(labels)}); a model learns one")


def _check_segments(task: TrainingTask, handler: DataHandler, market: Market) -> None:
    first, _ = handler.span(market)
    for name, segment in task.segments.items():
        try:
            _, end = market.calendar.span(*segment)
        except InputError as error:
            raise InputError(f"segment {name!r}: {error}") from None
        if end < first:
            raise InputError(
                f"segment {name!r} ends on {market.calendar[end]}, before the first day of the handler, "
                f"{market.calendar[first]}; give the handler an earlier start_time"
            )


def _learnt_days(task: TrainingTask, handler: DataHandler, market: Market) -> tuple[int, int]:
    """Positions of the first and last day to learn from."""
    if TRAIN not in task.segments:
        return handler.span(market)  # what makes the windows says that it is missing
    first, last = market.calendar.span(*task.segments[TRAIN])
    return max(first, handler.span(market)[0]), last
