"""The section `rolling` of a config."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: More trading days than any market has.
_MOST_DAYS = 1_000_000


#: What a model must not know: `feature` looks ahead of its day, `segments` overlap, `gap` is shorter than labels
#: look ahead, a processor's `fit` or a model's `bins` take in days after its training.
LeakRule = Literal["feature", "segments", "gap", "fit", "bins"]


class RollingSection(BaseModel):
    """How the windows roll."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    #: Trading days from one window to the next, the length of each test segment.
    step: int = Field(default=40, gt=0, le=_MOST_DAYS)
    #: The period of the calendar with which windows begin, instead of counting days.
    every: Literal["week", "month", "quarter", "year"] | None = None
    #: Trading days of each period before that.
    offset: int = Field(default=0, ge=0, le=250)
    #: Whether the training segment grows or moves.
    type: Literal["expanding", "sliding"] = "expanding"
    #: Trading days left out before the test segment; auto: as many as the label looks ahead.
    gap: Literal["auto"] | Annotated[int, Field(ge=0, le=_MOST_DAYS)] = "auto"
    #: Trading days left out on top of the gap, for what labels do not say: returns that go on to be alike.
    embargo: int = Field(default=0, ge=0, le=_MOST_DAYS)
    #: What becomes of a last test segment that would pass the wanted end.
    last: Literal["full", "clip", "drop"] = "full"
    #: Whether all windows use the bins of the first one's training days, see `LGBModel`.
    shared_bins: bool = False

    @model_validator(mode="after")
    def _one_pace(self) -> Self:
        if self.every and "step" in self.model_fields_set:
            raise ValueError(f"step {self.step} and every {self.every}: windows follow one of them; drop the other")
        if self.offset and not self.every:
            raise ValueError(f"offset {self.offset} counts the days of a period; say which with every")
        return self

    @property
    def pace(self) -> str:
        """How often windows follow each other, for people."""
        if self.every is None:
            return f"every {self.step} days"
        return f"every {self.every}" + (f", {self.offset} days after it began" if self.offset else "")
