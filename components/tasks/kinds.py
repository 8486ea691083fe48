"""What tasks of every kind have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from components.tasks.task import Json, TrainingTask


class Task(Protocol):
    """A unit of work as a value: what is to be done, whoever does it and wherever."""

    #: Tells the one who claims it what it is; a definition without a kind is a training.
    kind: ClassVar[str]

    @property
    def key(self) -> str:
        """SHA-256 of the canonical JSON form: its id in the pool."""

    @property
    def name(self) -> str:
        """What people tell it from its like by."""

    def to_config(self) -> dict[str, Json]:
        """The JSON form, which the pool keeps as its definition."""


def kind_of(definition: Json) -> str:
    """The kind of the task that a definition in the pool is about."""
    kind = definition.get("kind", TrainingTask.kind) if isinstance(definition, Mapping) else TrainingTask.kind
    return str(kind)
