"""How much each row counts in a training."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy.typing as npt

from components.features import Rows


class Reweighter(ABC):
    """Says how much each row counts in a training."""

    @abstractmethod
    def reweight(self, data: Rows) -> npt.ArrayLike:
        """A weight for each row, at least 0, in the order of the rows; 1 is what a row counts without weights."""
