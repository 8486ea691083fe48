"""What a check of the data gate found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, kw_only=True)
class Check:
    """What was found in one respect."""

    name: str
    #: ``warn``: the day is served, and somebody is told; ``fail``: it is not served.
    level: Level
    #: One line: what was found, the limit, and what to do.
    message: str
    #: What is compared, and with what; None where that is no number.
    value: float | None = None
    limit: float | None = None

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return dict(vars(self))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Check:
        """Read the JSON form."""
        return cls(**document)
