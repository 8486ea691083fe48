"""From the description of a task to its data handler and its dataset."""

from __future__ import annotations

from collections.abc import Iterable

from components.build import build
from components.data import Market, Segment
from components.errors import InputError, nearest
from components.features import DataHandler, DatasetH, MatrixStore
from components.progress import Progress, ProgressReport, no_progress
from components.tasks import TrainingTask


def build_handler(task: TrainingTask, trusted: Iterable[str] = ()) -> DataHandler:
    """The data handler that a task describes.

    Raises:
        InputError: when the description is wrong, or is not one of a data handler.
    """
    return build(task.handler, DataHandler, default_module="components.features", trusted=trusted)


def check_dataset(task: TrainingTask) -> None:
    """Do nothing for the one kind of dataset that there is.

    Raises:
        InputError: for another one, or arguments that it does not have.
    """
    name = str(task.dataset.get("class"))
    if name.rpartition(".")[2] != DatasetH.__name__:
        raise InputError(f"task.dataset.class: {name!r} is not supported, use DatasetH")
    for where, given, known in (
        ("task.dataset", task.dataset, ("class", "module_path", "kwargs")),
        ("task.dataset.kwargs", task.dataset.get("kwargs") or {}, ("handler", "segments")),
    ):
        for key in given:
            if key not in known:
                hint = nearest(str(key), known) or f"; {name} takes {' and '.join(known)}"
                raise InputError(f"{where}: unknown key {key!r}{hint}")


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
    check_dataset(task)
    handler = build_handler(task, trusted)

    def go_on() -> None:
        progress(ProgressReport())

    return DatasetH(matrices.open(handler, market, days=days, check=go_on), task.segments)
