"""What is known of a day that was served: plain values, and their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from components.data import Segment
from components.serving.drift import DriftReport
from components.serving.gate import GateReport
from components.tasks import Json, content_key

Action = Literal["promote", "challenge", "roll back"]


@dataclass(frozen=True)
class ServingDay:
    """The unit of work of a service: to serve one trading day. It is a task of the pool, done when it is served."""

    kind: ClassVar[str] = "serving day"

    #: Name of the service.
    service: str
    #: The trading day, ``YYYY-MM-DD``.
    day: str
    #: Which of several runs of the service it belongs to; empty: the one that goes on for ever.
    run: str = ""

    @property
    def key(self) -> str:
        """Its id in the pool."""
        return content_key(self.to_config())

    @property
    def name(self) -> str:
        """What people tell it from its like by."""
        return self.day

    def to_config(self) -> dict[str, Json]:
        """The JSON form, which the pool keeps as its definition."""
        return {"kind": self.kind, **vars(self)}


@dataclass(frozen=True, kw_only=True)
class OnlineModel:
    """A model that was trained for a strategy."""

    strategy: str
    #: Id of its training in the pool.
    key: str
    #: Id of its MLflow run.
    recorder_id: str
    segments: Mapping[str, Segment]
    #: The day on which it was trained.
    trained: str
    #: Whether it is one of the windows that follow each other, and not trained between two of them.
    regular: bool = True

    @property
    def name(self) -> str:
        """First day of its test segment, for display."""
        return str(self.segments["test"][0])

    def to_document(self) -> dict[str, Json]:
        """The JSON form."""
        return {**vars(self), "segments": {name: list(segment) for name, segment in self.segments.items()}}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        segments = {name: (first, last) for name, (first, last) in document["segments"].items()}
        return cls(**{**document, "segments": segments})


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Which models of a strategy, by key, have which role."""

    #: The one whose scores are served; None before the first.
    champion: str | None = None
    #: One that predicts beside it without being served.
    challenger: str | None = None
    #: The champion before, to which a rollback returns.
    previous: str | None = None

    @property
    def scored(self) -> tuple[str, ...]:
        """The models that predict each day."""
        return tuple(key for key in (self.champion, self.challenger) if key)

    def promoted(self, key: str) -> Standing:
        """A model takes over."""
        challenger = None if self.challenger == key else self.challenger
        return Standing(champion=key, challenger=challenger, previous=self.champion)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Why the roles of a strategy's models changed."""

    strategy: str
    action: Action
    #: The model that gets another role, and the one that had it before, by key.
    model: str
    instead_of: str | None
    #: ``rule newest``, ``user@host``.
    by: str
    why: str
    evidence: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks for: it is carried out with the next day. It is a task of the pool, done when it is."""

    kind: ClassVar[str] = "serving request"

    service: str
    strategy: str
    #: ``promote`` or ``roll back``.
    action: Action
    #: Key of the model to promote; None: the champion before.
    model: str | None
    #: ``user@host``.
    by: str
    why: str
    #: The last day that was served when it was made.
    after: str = ""

    @property
    def key(self) -> str:
        """Its id in the pool."""
        return content_key(self.to_config())

    def to_config(self) -> dict[str, Json]:
        """The JSON form, which the pool keeps as its definition."""
        return {"kind": self.kind, **vars(self)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(**{name: value for name, value in config.items() if name != "kind"})

    def carried_out(self, roles: Standing) -> tuple[Standing, Decision]:
        """The roles after it."""
        model = str(self.model)
        return roles if model == roles.champion else roles.promoted(model), Decision(
            strategy=self.strategy,
            action=self.action,
            model=model,
            instead_of=roles.champion,
            by=self.by,
            why=self.why,
        )


@dataclass(frozen=True, kw_only=True)
class Scored:
    """How many names a model scored on a day, and which it could not."""

    strategy: str
    model: str
    count: int
    #: Members of the universe without a score, sorted.
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Realised:
    """How well a model ranked the names of an earlier day, whose labels are known by now."""

    strategy: str
    model: str
    day: str
    ic: float | None
    rank_ic: float | None
    #: Names with a score and a label.
    count: int


@dataclass(frozen=True, kw_only=True)
class DayRecord:
    """A day that was served, as the pool keeps it; scores and signal are in its MLflow run."""

    day: str
    #: Id of its MLflow run.
    recorder_id: str
    #: The models that were trained on this day.
    trained: tuple[OnlineModel, ...] = ()
    #: Strategy -> what did not come of a training.
    failed: Mapping[str, str] = field(default_factory=dict)
    #: Strategy -> the roles in which its models served the day.
    standing: Mapping[str, Standing] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    #: Keys of the requests that were carried out.
    requests: tuple[str, ...] = ()
    scored: tuple[Scored, ...] = ()
    realised: tuple[Realised, ...] = ()
    #: What the data gate found; None: nobody looked.
    gate: GateReport | None = None
    #: Strategy -> what the last days look like beside its champion's training period.
    drift: Mapping[str, DriftReport] = field(default_factory=dict)
    #: Earlier days whose signal was made anew on this day, because their data was revised.
    recomputed: tuple[str, ...] = ()
    #: Strategy -> its template, less the data: what may not change while it is served.
    templates: Mapping[str, str] = field(default_factory=dict)

    def champion(self, strategy: str) -> str | None:
        """Key of the model whose scores of a strategy were served."""
        roles = self.standing.get(strategy)
        return roles.champion if roles else None

    def to_document(self) -> dict[str, Json]:
        """The JSON form."""
        return {
            **vars(self),
            "trained": [model.to_document() for model in self.trained],
            "standing": {name: vars(standing) for name, standing in self.standing.items()},
            "decisions": [vars(each) for each in self.decisions],
            "scored": [vars(each) for each in self.scored],
            "realised": [vars(each) for each in self.realised],
            "gate": self.gate.to_document() if self.gate else None,
            "drift": {name: report.to_document() for name, report in self.drift.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(
            day=document["day"],
            recorder_id=document["recorder_id"],
            trained=tuple(map(OnlineModel.from_document, document["trained"])),
            failed=document["failed"],
            standing={name: Standing(**each) for name, each in document["standing"].items()},
            decisions=tuple(Decision(**each) for each in document["decisions"]),
            scored=tuple(Scored(**{**each, "missing": tuple(each["missing"])}) for each in document["scored"]),
            requests=tuple(document["requests"]),
            realised=tuple(Realised(**each) for each in document["realised"]),
            gate=GateReport.from_document(document["gate"]) if document["gate"] else None,
            recomputed=tuple(document["recomputed"]),
            drift={name: DriftReport.from_document(each) for name, each in document["drift"].items()},
            templates=document["templates"],
        )
