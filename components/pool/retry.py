"""Whether a failed attempt deserves another one: a pure decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cache
from typing import Annotated, Any

from pydantic import ConfigDict, Strict, TypeAdapter, ValidationError

from components.errors import InputError, nearest
from components.pool.errors import TaskLost
from components.tasks import Json


@dataclass(frozen=True)
class RetryDecision:
    """What happens to a task after a failed attempt."""

    #: Whether it gets another attempt.
    retry: bool
    #: How long it backs off before the next attempt.
    delay: timedelta
    #: Why, in words for the history of the task.
    reason: str


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often, how soon, and after which errors a task is tried again: exponential back-off with jitter.

    The n-th failure is followed by a pause of ``base_delay * 2 ** (n - 1)``, at most `max_delay`, of which the
    share `jitter` is random, so that tasks which failed together do not come back together.
    """

    __pydantic_config__ = ConfigDict(ser_json_timedelta="float")

    #: Attempts in all, the first included. An attempt counts from its claim: one that was killed counts.
    max_attempts: Annotated[int, Strict()] = 3
    #: Pause after the first failure.
    base_delay: timedelta = timedelta(seconds=1)
    #: The longest pause.
    max_delay: timedelta = timedelta(minutes=5)
    #: Share of the pause that is random, 0 to 1.
    jitter: float = 0.5
    #: Names of the classes of errors, and of their base classes, that will be the same next time.
    non_retryable: tuple[str, ...] = ("InputError", "ImportError", "NotImplementedError")

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise InputError(f"RetryPolicy.max_attempts is {self.max_attempts}; give at least 1")
        if not 0 <= self.jitter <= 1:
            raise InputError(f"RetryPolicy.jitter is {self.jitter}; give a share between 0 and 1")
        for name in ("base_delay", "max_delay"):
            if getattr(self, name) < timedelta(0):
                raise InputError(f"RetryPolicy.{name} is {getattr(self, name)}; give zero or more")

    def to_document(self) -> dict[str, Json]:
        """The JSON form; delays in seconds."""
        document: dict[str, Json] = _adapter().dump_python(self, mode="json")
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RetryPolicy:
        """The policy of a JSON form; what it leaves out is as usual.

        Raises:
            InputError: for an unknown key or a value that cannot be read.

        """
        known = [field.name for field in fields(cls)]
        for name in document:
            if name not in known:
                raise InputError(f"RetryPolicy: unknown key {name!r}{nearest(str(name), known)}")
        try:
            return _adapter().validate_python(dict(document))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, ("RetryPolicy", *first["loc"])))
            raise InputError(f"{where} is {first['input']!r}: {first['msg']}") from None

    def decide(self, error: BaseException, attempts: int, chance: float) -> RetryDecision:
        """Decide after attempt number `attempts` ended with `error`; `chance` is a random number from [0, 1).

        A lost task does not back off: its lease, which had to run out first, was pause enough.
        """
        if any(kind.__name__ in self.non_retryable for kind in type(error).__mro__):
            return RetryDecision(False, timedelta(0), f"{type(error).__name__} is not worth another attempt")
        reason = f"attempt {attempts} of {self.max_attempts}"
        if attempts >= self.max_attempts:
            return RetryDecision(False, timedelta(0), reason)
        if isinstance(error, TaskLost):
            return RetryDecision(True, timedelta(0), reason)
        return RetryDecision(True, self._backoff(attempts, chance), reason)

    def _backoff(self, attempts: int, chance: float) -> timedelta:
        # The exponent is bounded: far beyond any max_delay, and a timedelta overflows at 2 ** 40 seconds or so.
        pause: timedelta = min(self.base_delay * int(2 ** min(attempts - 1, 20)), self.max_delay)
        return pause * (1 - self.jitter * chance)


@cache
def _adapter() -> TypeAdapter[RetryPolicy]:
    return TypeAdapter(RetryPolicy)
