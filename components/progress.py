"""How long work reports how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class ProgressReport:
    """How far some work is."""

    #: Iterations done so far.
    done: int = 0
    #: Iterations in all; 0: not known yet.
    total: int = 0
    #: Metrics of the last iteration, such as ``l2.valid``.
    metrics: Mapping[str, float] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """The JSON form, which the pool keeps beside a task."""
        return {"done": self.done, "total": self.total, "metrics": dict(self.metrics)}

    @classmethod
    def from_document(cls, document: object) -> Self | None:
        """Read the JSON form; None for anything else, since tasks of other kinds may report in their own way."""
        if not isinstance(document, Mapping):
            return None
        done, total, metrics = (document.get(name) for name in ("done", "total", "metrics"))
        if not isinstance(done, int) or not isinstance(total, int):
            return None
        return cls(done, total, dict(metrics) if isinstance(metrics, Mapping) else {})


#: Called at every iteration, and now and then before the first one; raises to stop the work.
Progress = Callable[[ProgressReport], None]


def no_progress(_report: ProgressReport) -> None:
    """Progress that nobody follows."""
