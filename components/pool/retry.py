"""Whether a failed attempt deserves another one: a pure decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from components.errors import InputError
from components.pool.errors import TaskLost


@dataclass(frozen=True)
class RetryDecision:
    """What happens to a task after a failed attempt."""

    #: Whether it gets another attempt.
    retry: bool
    #: How long it rests before the next attempt.
    delay: timedelta
    #: Why, in words for the history of the task.
    reason: str


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often, how soon, and after which errors a task is tried again.

    The n-th failure is followed by a rest of ``base_delay * 2 ** (n - 1)``, at most `max_delay`, of which the share
    `jitter` is random, so that tasks which failed together do not come back together.
    """

    #: Attempts in all, the first included. An attempt counts from its claim: one that was killed counts.
    max_attempts: int = 3
    #: Rest after the first failure.
    base_delay: timedelta = timedelta(seconds=1)
    #: The longest rest.
    max_delay: timedelta = timedelta(minutes=5)
    #: Share of the rest that is random, 0 to 1.
    jitter: float = 0.5
    #: Errors that will be the same next time.
    hopeless: tuple[type[BaseException], ...] = (InputError, ImportError, NotImplementedError)

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise InputError(f"RetryPolicy.max_attempts is {self.max_attempts}; give at least 1")
        if not 0 <= self.jitter <= 1:
            raise InputError(f"RetryPolicy.jitter is {self.jitter}; give a share between 0 and 1")
        if self.base_delay < timedelta(0) or self.max_delay < timedelta(0):
            raise InputError("RetryPolicy: a delay below zero; give zero or more")

    def decide(self, error: BaseException, attempts: int, chance: float) -> RetryDecision:
        """Decide after attempt number `attempts` ended with `error`; `chance` is a random number from [0, 1).

        A lost task does not rest: its lease, which had to run out first, was rest enough.
        """
        if isinstance(error, self.hopeless):
            return RetryDecision(False, timedelta(0), f"{type(error).__name__} is not worth another attempt")
        if attempts >= self.max_attempts:
            return RetryDecision(False, timedelta(0), f"attempt {attempts} of {self.max_attempts}")
        reason = f"attempt {attempts} of {self.max_attempts}"
        if isinstance(error, TaskLost):
            return RetryDecision(True, timedelta(0), reason)
        return RetryDecision(True, self._rest(attempts, chance), reason)

    def _rest(self, attempts: int, chance: float) -> timedelta:
        # The exponent is bounded: far beyond any max_delay, and a timedelta overflows at 2 ** 40 seconds or so.
        rest: timedelta = min(self.base_delay * int(2 ** min(attempts - 1, 20)), self.max_delay)
        return rest * (1 - self.jitter * chance)
