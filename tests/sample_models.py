"""Models for tests of what is around a training: one that takes its time, one that fails when it is told to, ..."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pandas as pd

from components.features import DatasetH
from components.models import Fit, FitContext, LinearModel, Model
from components.models.arguments import check_extra
from components.progress import ProgressReport


class SlowModel(Model):
    """Scores by the first feature, after as many seconds as it is told; logs every training it finishes.

    Args:
        seconds: How long a training takes.
        log: File to which a line is written when a training has ended, with the first day of its test segment.
        fail: File; while it exists and holds the first test day of a window, that window fails.
        rogue: First test days of the windows that kill their process.
        fault: What it does wrong: ``exit`` raises SystemExit, ``nan`` predicts only NaN, ``unsaved`` saves nothing.
    """

    def __init__(
        self, seconds: float = 0.0, log: str = "", fail: str = "", rogue: Sequence[str] = (), fault: str = ""
    ) -> None:
        self.fault = fault
        self.seconds = seconds
        self.log = log
        self.fail = fail
        self.rogue = rogue

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        window = str(dataset.segments["test"][0])
        if self.fail and Path(self.fail).exists() and window in Path(self.fail).read_text():
            raise RuntimeError(f"told to fail in {window}")
        if window in self.rogue:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "exit":
            raise SystemExit(3)
        steps = max(1, int(self.seconds * 20))
        for step in range(steps):
            context.progress(ProgressReport(step, steps))
            time.sleep(self.seconds / steps)
        if self.log:
            with Path(self.log).open("a") as log:
                log.write(f"{window}\n")
        return Fit()

    def predict(self, dataset: DatasetH, segment: str = "test") -> pd.Series:
        rows = dataset.infer(segment)
        scores = rows.X[:, 0].astype("float64") * (math.nan if self.fault == "nan" else 1)
        return pd.Series(scores, index=rows.index(), name="score")

    def save(self, folder: Path) -> None:
        if self.fault != "unsaved":
            (folder / "slow.txt").write_text("slow\n")

    @classmethod
    def load(cls, folder: Path, **kwargs: Any) -> Self:
        return cls(**kwargs)


class NeedyModel(LinearModel):
    """Needs a library that nobody has."""

    @classmethod
    def check_installed(cls) -> None:
        check_extra("NeedyModel", "no_such_library")


class TurnedRound(LinearModel):
    """Learns the opposite in some windows: their best names are the worst.

    Args:
        windows: First test days of these windows.
    """

    def __init__(self, windows: Sequence[str]) -> None:
        super().__init__()
        self.windows = windows

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        fit = super().fit(dataset, context)
        if str(dataset.segments["test"][0]) in self.windows and self._weights is not None:
            self._weights = -self._weights
        return fit


class Overtaken(SlowModel):
    """While it trains, somebody writes another file in place of one.

    Args:
        file: The file.
        newer: What is put in its place, once.
    """

    def __init__(self, file: str, newer: str) -> None:
        super().__init__()
        self.file = file
        self.newer = newer

    def fit(self, dataset: DatasetH, context: FitContext = FitContext()) -> Fit:
        if Path(self.newer).exists():
            Path(self.newer).replace(self.file)
        return super().fit(dataset, context)
