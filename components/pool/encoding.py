"""JSON values as MongoDB stores them: field names made safe, sizes bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from functools import lru_cache
from typing import Any

import bson
from bson.errors import BSONError, InvalidDocument

from components.errors import InputError
from components.tasks import Json, canonical, plain

#: Largest definition, progress or result, in bytes of BSON. All of them together stay far below MongoDB's 16 MB.
SIZE_LIMIT = 1_000_000

# Percent-encoding, as in URLs: any language reads it back, and a path like `definition.model.class` stays a path.
_ESCAPES = {"%": "%25", ".": "%2E", "$": "%24", "\0": "%00"}
#: In JSON: a name that `_escape` would change, but for those that BSON's own check finds. A text may look like one,
#: which only costs time.
_UNSAFE_NAME = re.compile(rb'[%$][^"\\]*+(?:\\.[^"\\]*+)*+":')
_BACK = {code: character for character, code in _ESCAPES.items()}


def encode(value: Any, what: str) -> Json:
    """The form of a JSON value that is stored.

    Raises:
        InputError: when `value` is not JSON, or too large; `what` names it in the message.

    """
    stored = _stored_form(value)
    try:
        size = len(bson.encode({"": stored}))
    except (BSONError, OverflowError, UnicodeError, RecursionError) as error:
        raise InputError(f"{what} cannot be stored: {error}") from None
    check_size(size, what)
    return stored


def encode_task(task: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The canonical JSON of a task, and its stored form as MongoDB gets it.

    Raises:
        InputError, ValueError, RecursionError: when it is not JSON.
        BSONError, OverflowError: when it is, but MongoDB cannot hold it.

    """
    # Submitting thousands spends its time here, so compiled code does all of it for a task that can stay as it is.
    with suppress(TypeError, InvalidDocument):  # dates, names that are not text or have a dot
        text = canonical(task).encode()
        if not (b"%" in text or b"$" in text) or not _UNSAFE_NAME.search(text):
            return text, bson.encode(task, check_keys=True)
    stored = _stored_form(task)
    return canonical(decode(stored)).encode(), bson.encode(stored)


def check_size(size: int, what: str) -> None:
    """Make sure that something is not larger than `SIZE_LIMIT`.

    Raises:
        InputError: when it is.

    """
    if size > SIZE_LIMIT:
        raise InputError(
            f"{what} is {size:,} bytes, the limit is {SIZE_LIMIT:,}; "
            "keep large values as an artifact and store its address"
        )


def decode(stored: Json) -> Json:
    """The value that `encode` was given, in its plain JSON form."""
    kind = type(stored)
    if kind is dict:
        return {_restore(key): decode(item) for key, item in stored.items()}
    if kind is list:
        return [decode(item) for item in stored]
    return stored


def _stored_form(value: Any, where: str = "") -> Json:
    # Unlike the definition of a task, whose key has to be canonical, progress and results may hold NaN.
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_escape(str(key)): _stored_form(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stored_form(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, date):
        return plain(value)
    raise InputError(f"{where.lstrip('.') or 'value'}: a {type(value).__name__} cannot be stored as JSON")


@lru_cache(maxsize=10_000)  # the tasks of a pool have the same few names over and over
def _escape(key: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in key)


@lru_cache(maxsize=10_000)
def _restore(key: str) -> str:
    for code in ("%2E", "%24", "%00", "%25"):  # the sign itself last, or '%252E' would become '.'
        key = key.replace(code, _BACK[code])
    return key
