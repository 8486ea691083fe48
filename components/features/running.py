"""What running updates keep, so that days which are appended get the bits of a computation in one go."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: The day through which nothing is known of an instrument.
NEVER = -1


@dataclass(frozen=True)
class RunningStates:
    """The states of all running operators, by instrument, after the last day on which each was computed."""

    codes: tuple[str, ...]
    #: For each instrument, the calendar position of that day, or `NEVER`.
    through: Integers
    #: Key of an operator on its series -> states, shape (instruments, numbers); kernels say what the numbers are.
    values: dict[str, Floats] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def none(cls) -> RunningStates:
        """Nothing is known of any instrument."""
        return cls((), np.empty(0, dtype=np.int64))

    def extended(self, codes: Sequence[str]) -> RunningStates:
        """A copy with room for more instruments."""
        known = set(self.codes)
        more = tuple(code for code in codes if code not in known)
        through = np.concatenate([self.through, np.full(len(more), NEVER, dtype=np.int64)])
        values = {key: np.pad(states, ((0, len(more)), (0, 0))) for key, states in self.values.items()}
        return RunningStates((*self.codes, *more), through, values)

    def places(self, codes: Sequence[str]) -> Integers:
        """Where instruments stand in it, which it must know."""
        place = {code: number for number, code in enumerate(self.codes)}
        return np.array([place[code] for code in codes], dtype=np.int64)

    def known(self, key: str, places: Integers, numbers: int) -> Floats:
        """The states of an operator for some instruments; 0, as at the beginning, where nothing is known.

        Raises:
            ValueError: when an instrument is known, but not with this operator.
        """
        states = self.values.get(key)
        if states is not None and states.shape[1] == numbers:
            return states[places]
        if (self.through[places] != NEVER).any():
            raise ValueError(f"no states of {key}")
        return np.zeros((len(places), numbers))

    def table(self, key: str, numbers: int) -> Floats:
        """The states of an operator for all instruments, to be changed in place."""
        with self._lock:
            if key not in self.values:
                self.values[key] = np.zeros((len(self.codes), numbers))
            return self.values[key]


@dataclass(frozen=True)
class Continuation:
    """How running updates go on in the series of a block."""

    #: The states to begin with, and in their place those at the end.
    states: RunningStates
    #: For each series, the place of its instrument there.
    places: Integers
    #: For each series, the first element that is new, or the one it begins with.
    firsts: Integers
    #: For each series, the element after which its states are kept; -1: they stay as they are.
    lasts: Integers

    @cached_property
    def resumes(self) -> bool:
        """Whether something is known of an instrument."""
        return bool((self.states.through[self.places] != NEVER).any())

    @cached_property
    def kept(self) -> Integers:
        """The series whose states are kept."""
        return np.flatnonzero(self.lasts >= 0)

    @cached_property
    def kept_places(self) -> Integers:
        """The places of their instruments."""
        return self.places[self.kept]
