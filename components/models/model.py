"""What the system asks of a model, and what it gives it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.errors import InputError, RollflowError
from components.features import DatasetH, Rows
from components.models.reweighter import Reweighter
from components.progress import Progress, no_progress


class NotFitted(RollflowError):
    """A model was asked to predict or to be saved before it was fitted."""


class ModelContractError(RollflowError):
    """A model does not do what every model has to do."""


@dataclass(frozen=True)
class Fit:
    """What a training reports of itself."""

    #: The iteration of this training whose state is kept, counted from 1; None where a model has no iterations.
    best_iteration: int | None = None
    #: Values of each metric by iteration, such as ``l2.valid``.
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    #: Importance of each feature by name, where the model knows one.
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FitContext:
    """What a training is given besides its data; a model refuses what it cannot do and must not ignore."""

    #: Ceiling on the number of threads; None: as the model's own arguments say.
    threads: int | None = None
    #: Called at every iteration, and while the rows are prepared; raises to stop the training.
    progress: Progress = no_progress
    #: Weights of the rows; None: all count alike.
    reweighter: Reweighter | None = None
    #: A fitted model to go on from.
    start_model: Model | None = None
    #: Seed of what is random, for a model whose arguments name none.
    seed: int | None = None

    def weights(self, rows: Rows) -> npt.NDArray[np.float64] | None:
        """The weights of rows, shape (rows,); None where all count alike.

        Raises:
            InputError: when the reweighter gives something else than a weight for each row.
        """
        if self.reweighter is None:
            return None
        name = type(self.reweighter).__name__
        weights = np.asarray(self.reweighter.reweight(rows), dtype=np.float64)
        if weights.shape != (len(rows),):
            raise InputError(
                f"{name}: weights of shape {weights.shape} for {len(rows)} rows; give one for each row"
            )
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
            raise InputError(f"{name}: a weight is negative, infinite or NaN, or all are 0")
        return weights


class Model(ABC):
    """A model learns from a dataset's ``train`` (and ``valid``) segments and scores another segment.

    Its arguments are plain values, so that a task can describe it; it is saved in open formats.
    """

    #: Packages whose versions are kept with a saved model.
    packages: ClassVar[tuple[str, ...]] = ()

    @classmethod  # noqa: B027  # most models need nothing that might be missing
    def check_installed(cls) -> None:
        """Check that what the class needs is installed here.

        Raises:
            ModuleUnavailable: when it is not, with the command that installs it.
        """

    def validate(self) -> None:  # noqa: B027  # most models check all that they can when they are made
        """Check the arguments that could not be checked while the model was made, before there is any data.

        Raises:
            InputError: when `fit` could not succeed with them.
        """

    @abstractmethod
    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        """Learn; what is already learnt is forgotten.

        Raises:
            InputError: when arguments, dataset and context do not fit together.
        """

    @abstractmethod
    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        """Scores of the rows of ``dataset.infer(segment)``, with their index; NaN where there is none.

        Raises:
            NotFitted: before `fit` or `load`.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the fitted model into an empty folder, as any number of files.

        Raises:
            NotFitted: before `fit` or `load`.
        """

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, **kwargs: Any) -> Self:
        """The model that was saved in a folder, ready to predict.

        Args:
            folder: What `save` has written. It may be gone when this returns.
            **kwargs: The arguments that the saved model was made with.
        """

    def native(self) -> Any:
        """The fitted model as the library below knows it: a LightGBM booster, a scikit-learn estimator.

        Raises:
            InputError: when the class does not say, and so MLflow cannot serve it.
            NotFitted: before `fit` or `load`.
        """
        raise InputError(f"{type(self).__name__} has no form that MLflow knows; give the class a method `native`")


def checked_scores(scores: object, index: pd.MultiIndex, model: str) -> pd.Series:
    """What a model has predicted, in the order of the rows that it should have scored.

    Args:
        scores: What `Model.predict` has returned.
        index: Of the rows of the segment.
        model: Name of the model's class.

    Raises:
        ModelContractError: when it is anything but finite numbers, or NaN here and there, for just these rows.
    """
    if not isinstance(scores, pd.Series) or not pd.api.types.is_numeric_dtype(scores):
        of = f" of {scores.dtype}" if isinstance(scores, pd.Series) else ""
        raise ModelContractError(
            f"{model}.predict returned a {type(scores).__name__}{of}; return a Series of numbers"
        )
    scores = scores.astype(np.float64)
    if not scores.index.equals(index):
        if not _same_rows(scores.index, index):
            raise ModelContractError(
                f"{model}.predict returned {len(scores)} scores, but not one for each of the {len(index)} rows of "
                "the segment; index them with dataset.infer(segment).index()"
            )
        scores = scores.reindex(index)
    values = scores.to_numpy()
    if np.isinf(values).any():
        raise ModelContractError(f"{model}.predict returned {np.isinf(values).sum()} infinite scores")
    if np.isnan(values).all():
        raise ModelContractError(f"{model}.predict returned NaN for all {len(index)} rows")
    return scores


def _same_rows(found: pd.Index[Any], index: pd.MultiIndex) -> bool:
    if not isinstance(found, pd.MultiIndex) or found.nlevels != index.nlevels:
        return False
    return len(found) == len(index) and found.is_unique and index.difference(found).empty


def one_label(rows: Rows, model: str) -> Rows:
    """Rows for a model that learns one label.

    Raises:
        InputError: when they have several.
    """
    if rows.y.ndim != 1:
        raise InputError(
            f"{model} learns one label, and the handler has {len(rows.labels)}: {', '.join(rows.labels)}"
        )
    return rows
