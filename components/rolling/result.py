"""What a run has to show: values that a summary prints and `--json` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from components.data import Segment
from components.errors import RollflowError
from components.execution.left import LeftBehind
from components.pool import TaskRecord, TaskStatus
from components.tasks import TrainingTask


@dataclass(frozen=True, kw_only=True)
class WindowResult:
    """How one window stands."""

    #: Id of its task in the pool.
    key: str
    status: TaskStatus
    attempts: int
    #: The last error, while the window is not done.
    error: str | None
    #: Id of its MLflow run.
    recorder_id: str | None
    #: Who holds its task, or has trained it.
    owner: str | None
    segments: Mapping[str, Segment]
    best_iteration: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    #: Seconds by phase of its training.
    seconds: Mapping[str, float] = field(default_factory=dict)
    #: Whether it was done before the run.
    reused: bool = False
    #: What has changed since it was done before, so that it was trained again; None: nothing, or it never was.
    change: str | None = None

    @property
    def name(self) -> str:
        """First day of the test segment, for display: several windows may have the same."""
        return str(self.segments["test"][0])

    def lost(self, why: str) -> WindowResult:
        """The window without its results, because these cannot be read: its task waits."""
        return replace(self, status=TaskStatus.WAITING, error=why, recorder_id=None, reused=False)

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)

    @classmethod
    def of(cls, record: TaskRecord, *, reused: bool = False, change: str | None = None) -> WindowResult:
        """The window that a task of the pool stands for."""
        result = record.result if record.status is TaskStatus.DONE else {}
        last = None if record.status is TaskStatus.DONE or not record.errors else record.errors[-1]
        left = None if record.status is TaskStatus.DONE else LeftBehind.from_document(record.progress)
        return cls(
            key=record.id,
            status=record.status,
            attempts=record.attempts,
            error=f"{last.type}: {last.message}" if last else str(left) if left else None,
            recorder_id=result.get("recorder_id"),
            owner=record.owner or next((step.owner for step in reversed(record.history) if step.owner), None),
            segments=TrainingTask.from_config(record.definition).segments,
            best_iteration=result.get("best_iteration"),
            metrics=result.get("metrics", {}),
            seconds=result.get("seconds", {}),
            reused=reused,
            change=change,
        )


class WindowsFailed(RollflowError):
    """Some windows of a run failed for good; the others are done and joined."""

    def __init__(self, result: RunResult) -> None:
        super().__init__(result)  # what pickle hands to the constructor again
        self.result = result

    def __str__(self) -> str:
        names = [window.name for window in self.result.failed]
        more = ", ..." if len(names) > 5 else ""
        return f"{len(names)} of {len(self.result.windows)} windows failed: {', '.join(names[:5])}{more}"


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The outcome of a rolling run, or of a single task, which is a run of one window."""

    experiment: str
    pool: str
    #: Id of the MLflow run that holds what the windows have in common; empty when a single task failed.
    recorder_id: str
    windows: tuple[WindowResult, ...]
    #: Metrics over the whole period.
    metrics: Mapping[str, float]
    #: Parquet file of all predictions: datetime, instrument, score, label.
    predictions: str | None
    #: HTML file with the pictures.
    report: str | None
    #: Trading days within the tested period for which no window has predictions, as first..last.
    gaps: tuple[str, ...]
    #: Seconds by phase.
    timings: Mapping[str, float] = field(default_factory=dict)
    #: Windows that were done before.
    reused: int
    #: What went wrong without harm to the results, a line each.
    warnings: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[WindowResult, ...]:
        """The windows that are not done."""
        return tuple(window for window in self.windows if window.status is not TaskStatus.DONE)

    def checked(self, timings: Mapping[str, float]) -> RunResult:
        """The result with its timings.

        Raises:
            WindowsFailed: when a window is not done; the error carries the result.
        """
        result = replace(self, timings=dict(timings))
        if result.failed:
            raise WindowsFailed(result)
        return result

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)
