"""What the command lines have in common: one-line errors, JSON for scripts, a question before harm is done."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from components.errors import InputError, nearest


def write_json(value: Any) -> None:
    """One JSON document on stdout; times as ISO 8601."""
    sys.stdout.write(json.dumps(value, default=_readable, ensure_ascii=False, indent=2) + "\n")


def confirm(what: str, *, yes: bool) -> None:
    """Ask on stderr, so that stdout stays what scripts read; with `yes` the answer was given before.

    Raises:
        InputError: when the answer is no, or there is nobody to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"this would {what}; add --yes to do it")
    sys.stderr.write(f"{what}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InputError("nothing was changed")


def _readable(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


class LineParser(argparse.ArgumentParser):
    """A parser of a command line to which a wrong option is wrong input: one line, and not the usage as well."""

    def error(self, message: str) -> NoReturn:
        """End with the message.

        Raises:
            InputError: always.
        """
        if message.startswith("unrecognized arguments: "):
            word = message.split()[2]
            message = f"unknown option {word}{nearest(word, self._option_string_actions)}"
        raise InputError(f"{message}; {self.prog} --help shows all options")


def check_writable(path: Path) -> Path:
    """The absolute path of a file that is to be written later; found out now, before any work is done for it.

    Raises:
        ValueError: when it cannot be written.
    """
    path = path.expanduser().absolute()
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder; give the name of a file")
    if not os.path.isdir(path.parent):
        raise ValueError(f"the folder {path.parent} does not exist")
    new = not os.path.exists(path)
    if not new and not os.path.isfile(path):
        return path  # a device or a pipe
    try:
        with path.open("a"):
            pass
        if new:
            path.unlink()
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror})") from None
    return path
