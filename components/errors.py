"""The families of errors that a user may meet.

- `InputError`: what was typed or given is wrong. It would be wrong again, so nothing is retried.
- `Unavailable`: a server or a disk that may come back. The same request is retried, with patience.
- Any other `RollflowError`, and any other exception: the work failed. The attempt counts, and its error is kept.

Commands end with status 2 for an `InputError` and 1 for the rest. A server that does not answer when a command
starts most likely has another address, so that is wrong input; one that goes away later is `Unavailable`.

Errors cross processes, so each survives pickling: `Exception.args` holds the arguments of its constructor.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RollflowError(Exception):
    """Something that rollflow can explain in one line."""


class InputError(RollflowError):
    """The input is wrong: the message says what, where and what to do. Commands exit with status 2."""


class Unavailable(RollflowError):
    """A server or disk cannot be used now but may be again: the same request is worth repeating."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint like ``; did you mean 'step'?`` for a misspelt word, or the empty string."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def one_line(error: BaseException) -> str:
    """What an error says, with its kind, for a list of warnings."""
    return " ".join(f"{type(error).__name__}: {error}".split())
