"""The family of errors that a user may meet."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RollflowError(Exception):
    """Something that rollflow can explain in one line."""


class InputError(RollflowError):
    """The input is wrong: the message says what, where and what to do. Commands exit with status 2."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint like ``; did you mean 'step'?`` for a misspelt word, or the empty string."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {matches[0]!r}?" if matches else ""
