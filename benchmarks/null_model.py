"""A model that does nothing, to see what everything around a training costs."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pandas as pd

from components.features import DatasetH
from components.models import Fit, Model
from components.progress import Progress, ProgressReport, no_progress


class NullModel(Model):
    """Scores by the first feature."""

    file_name = "nothing.txt"

    def fit(self, dataset: DatasetH, *, threads: int | None = None, progress: Progress = no_progress) -> Fit:
        progress(ProgressReport(1, 1))
        return Fit()

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        rows = dataset.infer(segment)
        return pd.Series(rows.X[:, 0].astype("float64"), index=rows.index(), name="score")

    def save(self, folder: Path) -> Path:
        path = folder / self.file_name
        path.write_text("nothing\n")
        return path

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls()
