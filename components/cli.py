"""What the command lines have in common: JSON for scripts, and a question before something is destroyed."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from components.errors import InputError


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
