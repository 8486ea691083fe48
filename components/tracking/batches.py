"""What is logged to a run, in as few requests as MLflow's limits allow."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pandas as pd

from components.tracking.params import fitting, fitting_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Values that follow each other; the index of a Pandas series gives its steps.
Series = Sequence[float] | pd.Series
#: MLflow's limits.
_MOST_A_BATCH = {"metrics": 1000, "params": 100, "tags": 100}
_ENTRIES_A_BATCH = 1000


@dataclass(frozen=True)
class Batch:
    """Entries that MLflow takes in one request."""

    metrics: Sequence[Any]
    params: Sequence[Any]
    tags: Sequence[Any]

    def log(self, client: MlflowClient, run_id: str) -> None:
        """Send it; sending it again changes nothing."""
        client.log_batch(run_id, self.metrics, self.params, self.tags)


def batches(
    params: Mapping[str, str], series: Mapping[str, Series], tags: Mapping[str, Any], first_step: int
) -> Iterator[Batch]:
    """Parameters, series of metrics and tags as batches; see `Recorder.log`."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    left: dict[str, list[Any]] = {
        "metrics": [
            Metric(fitting_name(name), float(value), now, int(step))
            for name, values in series.items()
            for step, value in zip(_steps(values, first_step), values, strict=False)
        ],
        "params": [Param(name, value) for name, value in fitting(params).items()],
        "tags": [RunTag(name, str(value)) for name, value in tags.items()],
    }
    while any(left.values()):
        room, taken = _ENTRIES_A_BATCH, {}
        for kind in ("params", "tags", "metrics"):
            number = min(_MOST_A_BATCH[kind], room)
            taken[kind], left[kind] = left[kind][:number], left[kind][number:]
            room -= len(taken[kind])
        yield Batch(**taken)


def _steps(values: Series, first: int) -> Iterable[Any]:
    return values.index if isinstance(values, pd.Series) else count(first)
