"""JSON values as MongoDB stores them: field names made safe, sizes bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import bson
from bson.errors import BSONError

from components.errors import InputError
from components.tasks import Json, plain

#: Largest definition, progress or result, in bytes of BSON. All of them together stay far below MongoDB's 16 MB.
SIZE_LIMIT = 1_000_000

# Percent-encoding, as in URLs: any language reads it back, and a path like `definition.model.class` stays a path.
_ESCAPES = {"%": "%25", ".": "%2E", "$": "%24", "\0": "%00"}
#: BSON has at most so many bytes for each of JSON: an item ``1,`` of a long list takes 17.
_GROWTH = 9
#: What may be an integer of more than 64 bits.
_LONG_NUMBER = re.compile(rb"\d{19}")
_LEAVES = frozenset({str, int, float, bool, type(None)})
_BACK = {code: character for character, code in _ESCAPES.items()}


def encode(value: Any, what: str) -> Json:
    """The form of a JSON value that is stored: nearly always the value itself.

    Raises:
        InputError: when `value` is no JSON or too large; `what` names it in the message.

    """
    stored = storable(value)
    check_size(stored, what)
    return stored


def storable(value: Any) -> Json:
    """The form of a JSON value that is stored, of whatever size.

    Raises:
        InputError: when `value` is no JSON.

    """
    return value if _is_stored_form(value) else _stored_form(value)


def check_size(stored: Json, what: str, text: bytes | None = None) -> None:
    """Make sure that MongoDB takes a value in its stored form; its JSON `text` saves the measuring, if it is short.

    Raises:
        InputError: when it does not, or the value is larger than `SIZE_LIMIT`.

    """
    if text is not None and len(text) * _GROWTH < SIZE_LIMIT and not _LONG_NUMBER.search(text):
        return
    try:
        size = len(bson.encode({"": stored}))
    except (BSONError, OverflowError, UnicodeError, RecursionError) as error:
        raise InputError(f"{what} cannot be stored: {error}") from None
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


def _is_stored_form(value: Any) -> bool:
    """Whether `value` can be stored as it is. Submitting many tasks spends its time here: no call for a leaf."""
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or _escape(key) != key:
                return False
            if type(item) not in _LEAVES and not _is_stored_form(item):
                return False
        return True
    if kind is list:
        return all(type(item) in _LEAVES or _is_stored_form(item) for item in value)
    return kind in _LEAVES


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
