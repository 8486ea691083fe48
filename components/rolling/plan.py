"""From a config to the windows to train: what would run, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from components.config import RunConfig
from components.data import Fingerprints, Market
from components.errors import InputError
from components.features import DataHandler, MatrixStore, lookahead, matrix_key, parse
from components.rolling.checks import check_task
from components.rolling.leaks import refuse_leaks
from components.tasks import RollingGen, TrainingTask
from components.training import bind, build_handler, build_model, record_class


@dataclass(frozen=True)
class Window:
    """One task of a rolling run, bound to the data that it sees."""

    task: TrainingTask

    @property
    def key(self) -> str:
        """Id of the task in the pool: what the window is known by."""
        return self.task.key

    @property
    def name(self) -> str:
        """First day of its test segment, for display: several windows may have the same."""
        return self.task.name


def plan_windows(
    config: RunConfig, market: Market, trusted: Iterable[str] = (), known: Fingerprints | None = None
) -> list[Window]:
    """The windows of a rolling run, in the order of their test segments.

    Everything that the tasks name is built once, so that a mistake is found before any work starts.

    Args:
        config: What to run.
        market: The data; each window is bound to what it sees of it.
        trusted: Packages whose classes the config may name.
        known: Fingerprints of data that were taken before.

    Raises:
        InputError: for whatever is wrong in config or data.
    """
    return [
        Window(task)
        for task in bind(rolling_tasks(config, market, trusted), market, known or Fingerprints(), trusted)
    ]


def plan_single(
    config: RunConfig, market: Market, trusted: Iterable[str] = (), known: Fingerprints | None = None
) -> Window:
    """The one task of a run without rolling: the config's own segments, given as trading days.

    The arguments are those of `plan_windows`.

    Raises:
        InputError: for whatever is wrong in config or data.
    """
    (task,) = bind([single_task(config, market, trusted)], market, known or Fingerprints(), trusted)
    return Window(task)


def rolling_tasks(config: RunConfig, market: Market, trusted: Iterable[str] = ()) -> list[TrainingTask]:
    """The tasks of a rolling run, not bound to data yet: what can be known without reading all of it.

    Raises:
        InputError: for whatever is wrong in config or data.
    """
    template, handler = checked_template(config, market, trusted)
    generator = generator_of(config, handler, market)
    tasks = generator.generate(without_whole_period(template, trusted))
    # windows are alike, but that processors are fitted on the same days: the first one's, which end earliest
    refuse_leaks(tasks[0], handler, market.calendar, config.allow_leaks)
    return _sharing_bins(tasks, trusted) if config.rolling.shared_bins else tasks


def single_task(config: RunConfig, market: Market, trusted: Iterable[str] = ()) -> TrainingTask:
    """The task of a run without rolling; see `rolling_tasks`.

    Raises:
        InputError: for whatever is wrong in config or data.
    """
    template, handler = checked_template(config, market, trusted)
    whole = RollingGen(step=len(market.calendar), last="clip", calendar=market.calendar)
    (task,) = whole.generate(without_whole_period(template, trusted))
    # the segments of Qlib's configs have no gap: a warning, for a single training takes segments as they are
    refuse_leaks(task, handler, market.calendar, {*config.allow_leaks, "gap"})
    return task


def checked_template(
    config: RunConfig, market: Market, trusted: Iterable[str] = ()
) -> tuple[TrainingTask, DataHandler]:
    """The template of a config and its handler, after everything that they name was built once.

    Raises:
        InputError: for whatever is wrong in config or data.
    """
    template = config.template()
    handler = build_handler(template, trusted)
    check_task(template, build_model(template, trusted), handler, market, trusted)
    return template, handler


def without_whole_period(template: TrainingTask, trusted: Iterable[str] = ()) -> TrainingTask:
    """The template without records of the whole period, which are no part of a window: they train nothing again."""
    records = [config for config in template.record if not record_class(config, trusted).whole_period]
    return replace(template, record=tuple(records))


def generator_of(config: RunConfig, handler: DataHandler, market: Market) -> RollingGen:
    """What makes the windows of a config."""
    rolling = config.rolling
    return RollingGen(
        step=rolling.step,
        every=rolling.every,
        offset=rolling.offset,
        kind=rolling.type,
        gap=gap_of(config, handler),
        last=rolling.last,
        calendar=market.calendar,
    )


def gap_of(config: RunConfig, handler: DataHandler) -> int:
    """Trading days between what a window learns from and its test."""
    rolling = config.rolling
    return rolling.embargo + (label_lookahead(handler) if rolling.gap == "auto" else rolling.gap)


def _sharing_bins(tasks: Sequence[TrainingTask], trusted: Iterable[str]) -> list[TrainingTask]:
    """The tasks, with the bins of the first one's training days."""
    days = tasks[0].segments["train"]
    sharing = [task.with_model_kwargs(bin_days=days) for task in tasks]
    try:
        build_model(sharing[0], trusted)
    except InputError as error:
        raise InputError(f"rolling.shared_bins: the model takes no bin_days ({error})") from None
    return sharing


def label_lookahead(handler: DataHandler) -> int:
    """Trading days that the label looks ahead: the days that a gap must leave out."""
    return max(lookahead(parse(text)) for text in handler.labels.values())


def build_matrices(
    windows: Sequence[Window], market: Market, matrices: MatrixStore, trusted: Iterable[str] = ()
) -> list[str]:
    """Build the feature matrices that the windows need and that are not stored, each for all its windows' days.

    Returns:
        The key of each matrix.

    Raises:
        InputError: when universe, expressions or days do not fit the market.
    """
    groups: dict[str, list[DataHandler]] = {}
    for window in windows:
        handler = build_handler(window.task, trusted)
        groups.setdefault(matrix_key(handler, market), []).append(handler)
    for handlers in groups.values():
        matrices.open(max(handlers, key=lambda handler: handler.span(market)[1]), market)
    return list(groups)
