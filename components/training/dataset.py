"""From the description of a task to its data handler and its dataset."""

from __future__ import annotations

from collections.abc import Iterable

from components.build import build
from components.data import Market, Segment
from components.errors import InputError
from components.features import DataHandler, DatasetH, MatrixStore
from components.progress import Progress, ProgressReport, no_progress
from components.tasks import TrainingTask


def build_handler(task: TrainingTask, trusted: Iterable[str] = ()) -> DataHandler:
    """The data handler that a task describes.

    Raises:
        InputError: when the description is wrong, or is not one of a data handler.
    """
    return build(task.handler, DataHandler, default_module="components.features", trusted=trusted)


def open_dataset(
    task: TrainingTask,
    market: Market,
    matrices: MatrixStore,
    trusted: Iterable[str] = (),
    days: Segment | None = None,
    progress: Progress = no_progress,
) -> DatasetH:
    """The dataset of a task; its feature matrix is built if no stored one covers it, then for `days` if given.

    Building may take minutes; `progress` is called meanwhile, and may raise to stop it.

    Raises:
        InputError: for a dataset of another kind, or whatever is wrong with handler or data.
    """
    name = str(task.dataset.get("class"))
    if name.rpartition(".")[2] != DatasetH.__name__:
        raise InputError(f"task.dataset.class: {name!r} is not supported, use DatasetH")
    handler = build_handler(task, trusted)

    def built(_stage: str) -> None:
        progress(ProgressReport())

    return DatasetH(matrices.open(handler, market, days=days, progress=built), task.segments)
