"""Runs from Python, in a notebook too: started, watched, and their results as Pandas objects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from threading import Lock
from typing import Any

import pandas as pd

from components.formats.tables import read_table
from components.rolling import RunResult, WindowsFailed
from flows.console import quiet_libraries
from flows.options import takes
from flows.rolling.options import RollingOptions
from flows.starting import say

_starting = Lock()


@dataclass(frozen=True)
class Report:
    """The report of a run: a page, which a notebook shows."""

    path: Path

    def _repr_html_(self) -> str:
        page = escape(self.path.read_text("utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" style="width: 100%; height: 900px; border: 0"></iframe>'


@dataclass(frozen=True)
class Run:
    """A run that has ended, with what came of it."""

    result: RunResult

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Score, and label where it is known, by datetime and instrument; empty when no window is done."""
        if self.result.predictions is None:
            return pd.DataFrame(columns=["score", "label"])
        return read_table(Path(self.result.predictions))

    @cached_property
    def metrics(self) -> pd.Series:
        """The metrics over the whole tested period, by name."""
        return pd.Series(dict(self.result.metrics), name="value", dtype="float64")

    @cached_property
    def windows(self) -> pd.DataFrame:
        """The windows by the first day of their tests: segments, status, attempts, metrics, error."""
        rows = [
            {
                **{name: "..".join(map(str, segment)) for name, segment in window.segments.items()},
                "status": "reused" if window.reused else window.status.value,
                "attempts": window.attempts,
                "best_iteration": window.best_iteration,
                "seconds": round(sum(window.seconds.values()), 1),
                **window.metrics,
                "error": window.error,
            }
            for window in self.result.windows
        ]
        names = pd.to_datetime([window.name for window in self.result.windows])
        return pd.DataFrame(rows, index=pd.DatetimeIndex(names, name="window"))

    @cached_property
    def failed(self) -> pd.DataFrame:
        """The windows that are not done, with their errors; running it again trains only these."""
        return self.windows[~self.windows["status"].isin(["done", "reused"])]

    @property
    def report(self) -> Report | None:
        """The report; None when it could not be made."""
        return Report(Path(self.result.report)) if self.result.report else None

    def __repr__(self) -> str:
        done = len(self.windows) - len(self.failed)
        measures = ", ".join(f"{name} {value:.4f}" for name, value in self.metrics.head(4).items())
        return f"<run of {self.result.experiment}: {done} of {len(self.windows)} windows done; {measures}>"

    def _repr_html_(self) -> str:
        measures = self.metrics.to_frame().style.format("{:.4f}").to_html()
        return f"<p>{escape(repr(self)[1:-1])}</p>{measures}{self.windows.to_html(max_rows=20)}"


@takes(RollingOptions)
def run_rolling(options: RollingOptions) -> Run:
    """Train a model on every rolling window, then join and judge the predictions, as the command does.

    Windows that are done are reused. While it goes on, a line is printed for each window, and the address at which
    Prefect shows the run. A private Prefect server stays until this process ends.

    Returns:
        The run. Windows that failed for good are in its `failed`; the others are done and joined.

    Raises:
        InputError: when the input is wrong; nothing was begun.
    """
    quiet_libraries()
    from flows.rolling.check import standing
    from flows.rolling.preparation import prepared

    with prepared(options) as run:
        say(standing(run.windows, run.workspace))
        with _prefect(run.workspace.home):
            from flows.rolling.flow import rolling

            try:
                result: RunResult = rolling(**options.given())
            except WindowsFailed as failure:
                result = failure.result
                say(str(failure))
    return Run(result)


@contextmanager
def _prefect(home: Path) -> Iterator[None]:
    """Let flows report to the configured server, or to a private one, which is started once.

    Prefect reads its settings when it is imported, which may have been long before.
    """
    from flows.server import start_server

    with _starting:
        server = start_server(home, lambda: None)
        server.wait()
    from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

    address: Any = os.environ.get("PREFECT_API_URL") or get_current_settings().api.url
    with temporary_settings({PREFECT_API_URL: address}):
        yield
