"""What somebody should be told of a service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from components.serving.day import DayRecord
from components.serving.drift import DriftReport
from components.tasks import Json

Kind = Literal["gate", "no data", "drift", "promotion", "failure"]

#: Action -> what is said of it. That a model becomes challenger changes nothing that is served.
_TAKEN = {"promote": "promoted", "roll back": "rolled back to"}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One line for people."""

    service: str
    #: The trading day that it is about; None: none in particular.
    day: str | None
    kind: Kind
    text: str

    def to_document(self) -> dict[str, Json]:
        """The JSON form."""
        return {"service": self.service, "day": self.day, "kind": self.kind, "text": self.text}


def notices_of(service: str, record: DayRecord, before: DayRecord | None) -> list[Notice]:
    """What a day that was served has to say.

    Args:
        service: Name of the service.
        record: The day.
        before: The day served before it: a drift that was there already is no news.
    """
    told: list[tuple[Kind, str]] = []
    if record.gate and record.gate.yellow:
        told.append(("gate", record.gate.summary))
    told += [("failure", f"{name} not trained: {why}") for name, why in record.failed.items()]
    told += [("promotion", text) for text in _promotions(record)]
    for name, report in record.drift.items():
        known = before.drift.get(name) if before else None
        told += [("drift", f"{name}: {text}") for text in _begun(report, known)]
    return [Notice(service=service, day=record.day, kind=kind, text=text) for kind, text in told]


def _promotions(record: DayRecord) -> Iterator[str]:
    for each in record.decisions:
        if each.action in _TAKEN and each.instead_of:  # a first model takes nobody's place
            models = f"{_TAKEN[each.action]} {each.model[:12]} instead of {each.instead_of[:12]}"
            yield f"{each.strategy}: {models}, by {each.by}" + (f": {each.why}" if each.why else "")


def _begun(report: DriftReport, before: DriftReport | None) -> Iterator[str]:
    known = {alarm.name for alarm in before.alarms} if before else set()
    yield from (alarm.message for alarm in report.alarms if alarm.name not in known)
