"""The section `online.schedule`: on which days a service runs, and at what time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from components.errors import nearest

When = Literal["session", "last session of week", "last session of month"]

_DAY = 24 * 60


class ScheduleSection(BaseModel):
    """After the close plus a delay, on trading days only."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    #: Name of a calendar of exchange_calendars, such as XSHG or XNYS. None: the data's own calendar, in which a
    #: session is known when its bars are there, or when calendars/day_future.txt of a Qlib folder announces it.
    exchange: str | None = Field(default=None, min_length=1)
    #: Time zone and time of the close, where no exchange says them; the defaults are those of the stock exchanges
    #: of Qlib's default region, cn.
    time_zone: str = "Asia/Shanghai"
    close: str = Field(default="15:00", pattern=r"^([01]?\d|2[0-3]):[0-5]\d$")
    #: Minutes from the close to the run. Vendors publish a day's bars hours after the close.
    delay: int = Field(default=180, ge=0, le=_DAY)
    #: Which sessions have a run.
    when: When = "session"
    #: Minutes that a run may start late; a later one leaves its day to the next run, which catches up. By default a
    #: run that follows the close by three hours still ends before the next open.
    latest: int = Field(default=12 * 60, gt=0, le=31 * _DAY)

    @field_validator("close", mode="before")
    @classmethod
    def _clock(cls, value: Any) -> Any:
        # YAML takes 15:00 without quotes for the number 900
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _DAY:
            return f"{value // 60:02d}:{value % 60:02d}"
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"no time zone {value!r:.60}{nearest(value, available_timezones())}") from None
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.exchange is not None and (said := {"time_zone", "close"} & self.model_fields_set):
            raise ValueError(f"{' and '.join(sorted(said))}: the exchange {self.exchange} says that; leave it out")
        return self

    @property
    def regular_close(self) -> timedelta:
        """From midnight to the close, where no exchange says it."""
        hours, minutes = map(int, self.close.split(":"))
        return timedelta(hours=hours, minutes=minutes)

    @property
    def after_close(self) -> timedelta:
        """From the close to the run."""
        return timedelta(minutes=self.delay)

    @property
    def tolerance(self) -> timedelta:
        """How late a run may start."""
        return timedelta(minutes=self.latest)
