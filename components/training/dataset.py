"""The rows that a model sees: segments of a feature matrix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from components.build import build
from components.data import Market
from components.errors import InputError, nearest
from components.features import DataHandler, FeatureMatrix, MatrixStore, Rows
from components.tasks import Segment, TrainingTask


@dataclass(frozen=True)
class DatasetH:
    """Named segments of the rows of a handler."""

    matrix: FeatureMatrix
    segments: Mapping[str, Segment]

    def learn(self, segment: str) -> Rows:
        """Rows to learn from, after the learn processors: a view of the matrix, not a copy.

        Raises:
            InputError: for an unknown segment, or one without rows or without labels.
        """
        return self.matrix.learn(*self._days(segment))

    def infer(self, segment: str) -> Rows:
        """Rows to score, with the label as it is in the data (NaN where it is not known yet).

        Raises:
            InputError: for an unknown segment, or one without rows.
        """
        return self.matrix.infer(*self._days(segment))

    def _days(self, segment: str) -> Segment:
        if segment not in self.segments:
            raise InputError(f"the dataset has no segment {segment!r}{nearest(segment, self.segments)}")
        return self.segments[segment]


def build_handler(task: TrainingTask, trusted: Iterable[str] = ()) -> DataHandler:
    """The data handler that a task describes.

    Raises:
        InputError: when the description is wrong, or is not one of a data handler.
    """
    handler = build(task.handler, default_module="components.features", trusted=trusted)
    if not isinstance(handler, DataHandler):
        raise InputError(f"task.dataset.kwargs.handler: {task.handler.get('class')} is not a data handler")
    return handler


def open_dataset(
    task: TrainingTask,
    market: Market,
    matrices: MatrixStore,
    trusted: Iterable[str] = (),
    days: Segment | None = None,
) -> DatasetH:
    """The dataset of a task; its feature matrix is built if no stored one covers it, then for `days` if given.

    Raises:
        InputError: for a dataset of another kind, or whatever is wrong with handler or data.
    """
    name = str(task.dataset.get("class"))
    if name.rpartition(".")[2] != DatasetH.__name__:
        raise InputError(f"task.dataset.class: {name!r} is not supported, use DatasetH")
    handler = build_handler(task, trusted)
    return DatasetH(matrices.open(handler, market, days=days), task.segments)
