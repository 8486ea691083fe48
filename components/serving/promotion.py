"""Whether a challenger takes over from the champion."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import pandas as pd

from components.analysis.promotion import paired_difference
from components.config.online.promotion import PromotionSection
from components.tasks import Json


@dataclass(frozen=True)
class Verdict:
    """A decision on a challenger."""

    promote: bool
    #: The reason, one line.
    why: str
    #: The numbers that it was made from.
    evidence: Mapping[str, Json] = field(default_factory=dict)

    def to_document(self) -> dict[str, Json]:
        """The JSON form."""
        return {**vars(self), "evidence": dict(self.evidence)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(**document)


def judge(section: PromotionSection, champion_ic: pd.Series[Any], challenger_ic: pd.Series[Any]) -> Verdict:
    """Decide by the realised ICs of two models, whatever trained them: a former champion can be the challenger too.

    Args:
        section: The rule.
        champion_ic: Realised IC of the model in service, indexed by day; days without a label are NaN or absent.
        challenger_ic: The same of the other model.

    """
    if section.rule == "newest":
        return Verdict(True, "the newest model is always promoted")
    if section.rule == "never":
        return Verdict(False, "models are promoted by hand only")
    found = paired_difference(champion_ic, challenger_ic, section.days)
    mean = found.difference
    evidence: dict[str, Json] = {
        "days": mean.days,
        "champion_ic": _finite(found.champion),
        "challenger_ic": _finite(found.challenger),
        "difference": _finite(mean.value),
        "standard_error": _finite(mean.error),
        "chance": found.chance,
        "confidence": section.confidence,
    }
    if mean.days < section.least:
        return Verdict(False, f"{mean.days} of {section.least} days with labels of both", evidence)
    promote = found.chance < 1 - section.confidence
    why = (
        f"IC {found.challenger:.4f} instead of {found.champion:.4f} over {mean.days} days: better with a "
        f"confidence of {1 - found.chance:.2%}, {section.confidence:.2%} {'was' if promote else 'is'} asked for"
        if mean.value > 0
        else f"IC {found.challenger:.4f}, not above the champion's {found.champion:.4f}, over {mean.days} days"
    )
    return Verdict(promote, why, evidence)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
