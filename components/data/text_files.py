"""Small text files of a market: calendars and universes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from components.errors import InputError

#: Bytes of a file; the universe of all Chinese shares has less than a megabyte.
_LONGEST = 64 * 2**20
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[ T].*)?")


def read_lines(path: Path) -> list[str]:
    """The lines of a text file.

    Raises:
        InputError: when it is not a file, cannot be read or is not in UTF-8.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path} is not a file")
        if path.stat().st_size > _LONGEST:
            raise InputError(
                f"{path} is longer than {_LONGEST // 2**20} MiB, which is no list of days or instruments"
            )
        return path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8 (byte {error.start + 1}); save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def parse_day(text: str, path: Path, number: int) -> np.datetime64:
    """The day that a line holds as YYYY-MM-DD; a time of day after it is dropped.

    Raises:
        InputError: for anything else, with the number of the line.
    """
    try:
        if _DAY.fullmatch(text):
            return np.datetime64(text[:10], "D")
    except ValueError:
        pass
    raise InputError(f"{path} line {number}: not a day: {text[:40]!r}; write YYYY-MM-DD")
