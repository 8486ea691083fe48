"""What the system asks of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import pandas as pd

from components.errors import InputError, RollflowError
from components.features import DatasetH
from components.progress import Progress, no_progress


class NotFitted(RollflowError):
    """A model was asked to predict or to be saved before it was fitted."""


@dataclass(frozen=True)
class Fit:
    """What a training says of itself."""

    #: The iteration whose state is kept, counted from 1; None where a model has no iterations.
    best_iteration: int | None = None
    #: Values of each metric by iteration, such as ``l2.valid``.
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    #: Importance of each feature by name, where the model knows one.
    importance: Mapping[str, float] = field(default_factory=dict)


class Model(ABC):
    """A model learns from a dataset's ``train`` (and ``valid``) segments and scores another segment.

    Its arguments are plain values, so that a task can describe it; it is saved in an open format.
    """

    #: File name under which the model is saved.
    file_name: ClassVar[str]

    def validate(self) -> None:  # noqa: B027  # most models check all that they can when they are made
        """Look at arguments that cannot be checked while the model is made, before there is any data.

        Raises:
            InputError: when `fit` could not succeed with them.
        """

    @abstractmethod
    def fit(self, dataset: DatasetH, *, threads: int | None = None, progress: Progress = no_progress) -> Fit:
        """Learn, with at most so many threads (None: as the model's own arguments say)."""

    @abstractmethod
    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        """Scores as float64, indexed (datetime, instrument).

        Raises:
            NotFitted: before `fit` or `load`.
        """

    @abstractmethod
    def save(self, folder: Path) -> Path:
        """Write the fitted model into a folder as `file_name`."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """The model that was saved in a folder, ready to predict."""

    def native(self) -> Any:
        """The fitted model as the library below knows it: a LightGBM booster, a scikit-learn estimator.

        Raises:
            InputError: when the class does not say, and so MLflow cannot serve it.
            NotFitted: before `fit` or `load`.
        """
        raise InputError(f"{type(self).__name__} has no form that MLflow knows; give the class a method `native`")
