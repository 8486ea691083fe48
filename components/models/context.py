"""What a training is given besides its data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from components.errors import InputError
from components.features import Rows
from components.progress import Progress, no_progress

if TYPE_CHECKING:
    from components.models.model import Model


class Reweighter(ABC):
    """Says how much each row counts in a training."""

    @abstractmethod
    def reweight(self, data: Rows) -> npt.ArrayLike:
        """A weight for each row, at least 0, in the order of the rows; 1 is what a row counts without weights."""


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
