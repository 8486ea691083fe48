"""The rows that a model sees: segments of a feature matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.data.calendar import Segment
from components.errors import InputError, nearest
from components.features.matrix import FeatureMatrix, Rows


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
