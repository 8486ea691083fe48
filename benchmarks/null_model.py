"""A model that does nothing, to see what everything around a training costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pandas as pd

from components.features import DatasetH
from components.models import Fit, FitContext, Model
from components.progress import ProgressReport


class NullModel(Model):
    """Scores by the first feature."""

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        context.progress(ProgressReport(1, 1))
        return Fit()

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        rows = dataset.infer(segment)
        return pd.Series(rows.X[:, 0].astype("float64"), index=rows.index(), name="score")

    def save(self, folder: Path) -> None:
        (folder / "nothing.txt").write_text("nothing\n")

    @classmethod
    def load(cls, folder: Path, **kwargs: Any) -> Self:
        return cls(**kwargs)
