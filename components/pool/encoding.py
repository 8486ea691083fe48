"""JSON values as MongoDB stores them: field names made safe, sizes bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson
from bson.errors import BSONError

from components.errors import InputError
from components.tasks import Json, plain

#: Largest definition, progress or result, in bytes of BSON. All of them together stay far below MongoDB's 16 MB.
SIZE_LIMIT = 1_000_000

# Percent-encoding, as in URLs: any language reads it back, and a path like `definition.model.class` stays a path.
_ESCAPES = {"%": "%25", ".": "%2E", "$": "%24", "\0": "%00"}
_UNSAFE = frozenset(_ESCAPES)
_BACK = {code: character for character, code in _ESCAPES.items()}


def encode(value: Any, what: str) -> Json:
    """The form of a JSON value that is stored.

    Raises:
        InputError: when `value` is no JSON or too large; `what` names it in the message.

    """
    stored = _rename(plain(value), _escape)
    try:
        size = len(bson.encode({"": stored}))
    except (BSONError, OverflowError, UnicodeError, RecursionError) as error:
        raise InputError(f"{what} cannot be stored: {error}") from None
    if size > SIZE_LIMIT:
        raise InputError(
            f"{what} is {size:,} bytes, the limit is {SIZE_LIMIT:,}; "
            "keep large values as an artifact and store its address"
        )
    return stored


def decode(stored: Json) -> Json:
    """The value that `encode` was given."""
    return _rename(stored, _restore)


def _rename(value: Json, rename: Any) -> Json:
    if isinstance(value, Mapping):
        return {rename(key): _rename(item, rename) for key, item in value.items()}
    if isinstance(value, list):
        return [_rename(item, rename) for item in value]
    return value


def _escape(key: str) -> str:
    if _UNSAFE.isdisjoint(key):
        return key
    return "".join(_ESCAPES.get(character, character) for character in key)


def _restore(key: str) -> str:
    if "%" not in key:
        return key
    for code in ("%2E", "%24", "%00", "%25"):  # the sign itself last, or '%252E' would become '.'
        key = key.replace(code, _BACK[code])
    return key
