"""From a config to what is served."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from components.build import build
from components.collection import Ensemble
from components.config import RunConfig
from components.data import Market, TradingCalendar, to_day
from components.errors import InputError
from components.features import DataHandler
from components.features.processors import Scaler
from components.rolling import (
    checked_template,
    gap_of,
    generator_of,
    label_lookahead,
    refuse_leaks,
    without_whole_period,
)
from components.serving.evening import Evening
from components.serving.portfolio import Portfolio
from components.serving.scoring import Scorer
from components.serving.state import ServiceState
from components.serving.strategy import RollingStrategy
from components.tasks import TrainingTask
from components.tasks.periods import period_starts
from components.tasks.windows import TEST


def strategies_of(config: RunConfig, market: Market, trusted: Iterable[str] = ()) -> tuple[RollingStrategy, ...]:
    """The strategies of a config, after everything that their tasks name was built once.

    Raises:
        InputError: for whatever is wrong in config or data; the strategy is named.
    """
    found = []
    for name, each in config.strategies().items():
        try:
            template, handler = checked_template(each, market, trusted)
            _check_fitted(handler, template)
            if each.rolling.shared_bins:
                raise InputError("rolling.shared_bins: windows that come one by one have bins of their own")
            _check_trial(each, label_lookahead(handler), market.calendar)
            refuse_leaks(_first_window(each, template, handler, market), handler, market.calendar, each.allow_leaks)
        except InputError as error:
            raise InputError(f"strategy {name}: {error}") from None
        rolling = each.rolling
        found.append(
            RollingStrategy(
                name=name,
                task_template=without_whole_period(template, trusted),
                step=rolling.step,
                kind=rolling.type,
                gap=gap_of(each, handler),
                promotion=each.service.promotion,
                every=rolling.every,
                offset=rolling.offset,
            )
        )
    return tuple(found)


def ensemble_of(config: RunConfig, trusted: Iterable[str] = ()) -> Ensemble:
    """What makes one signal of those of the strategies.

    Raises:
        InputError: when the description is wrong.
    """
    try:
        return build(config.service.ensemble, Ensemble, default_module="components.collection", trusted=trusted)
    except InputError as error:
        raise InputError(f"online.ensemble: {error}") from None


def check_service(config: RunConfig, market: Market, trusted: Iterable[str] = ()) -> None:
    """Do nothing for a config that can be served.

    Raises:
        InputError: for the first thing that is wrong.
    """
    strategies_of(config, market, trusted)
    ensemble_of(config, trusted)


def evening_of(config: RunConfig, state: ServiceState, market: Market, scorer: Scorer) -> Evening:
    """What is done on the evenings of a config.

    Raises:
        InputError: for whatever is wrong in config or data.
    """
    service = config.service
    return Evening(
        strategies=strategies_of(config, market, scorer.trusted),
        state=state,
        market=market,
        scorer=scorer,
        ensemble=ensemble_of(config, scorer.trusted),
        drift=service.drift,
        portfolio=Portfolio.of(service.portfolio) if service.portfolio else None,
    )


def _first_window(config: RunConfig, template: TrainingTask, handler: DataHandler, market: Market) -> TrainingTask:
    """The template with the gap of its windows, if there is a day to test it on yet."""
    start = template.segments[TEST][0]
    if start is None or to_day(start) > market.calendar.last:
        return template
    # with "drop" a window that has only begun would be left out
    generator = replace(generator_of(config, handler, market), last="full")
    return generator.generate(template.with_segments(template.segments | {TEST: (start, None)}))[0]


def _check_trial(config: RunConfig, ahead: int, calendar: TradingCalendar) -> None:
    """Refuse a rule of promotion that no challenger can meet before the next window's model takes its place.

    Args:
        config: The config of one strategy.
        ahead: Trading days until the label of a day is known.
        calendar: The trading days.
    """
    promotion, rolling = config.service.promotion, config.rolling
    step = rolling.step
    if rolling.every:
        step = int(np.diff(period_starts(calendar, rolling.every, rolling.offset)).max(initial=0))
    if promotion.rule == "ic" and step - ahead < promotion.least:
        raise InputError(
            f"promotion.least: {promotion.least} days with labels are more than a challenger can have, for the "
            f"next one comes after {step} days (rolling) and labels are known {ahead} days later; ask for "
            f"{max(step - ahead, 2)} at most, or for windows of {promotion.least + ahead} days"
        )


def _check_fitted(handler: DataHandler, template: TrainingTask) -> None:
    """Refuse processors that would be fitted anew as days come: earlier values would change with them."""
    tested = template.segments[TEST][0]
    for processor in handler.processors:
        if not isinstance(processor, Scaler):
            continue
        end = processor.fit_end_time
        if end is None or (tested is not None and to_day(end) >= to_day(tested)):
            raise InputError(
                f"{type(processor).__name__}: with fit_end_time {end} it would be fitted on days to come; give one "
                f"before the first test day {tested}"
            )
