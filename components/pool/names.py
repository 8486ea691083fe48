"""Names of databases and pools: refused here in one line, not somewhere in the driver."""

from __future__ import annotations

from components.errors import InputError

_BAD_IN_DATABASE = frozenset('/\\. "$*<>:|?')
_LONGEST_DATABASE, _LONGEST_POOL = 63, 120  # bytes


def check_names(database: str, pool: str) -> None:
    """Make sure that MongoDB can have such a database and such a collection.

    Raises:
        InputError: when it cannot; the message says why.

    """
    check_database_name(database)
    if reason := _text_fault(pool, _LONGEST_POOL) or _pool_fault(pool):
        raise InputError(f"pool name {pool[:150]!r}: {reason}; use letters, digits, '-' and '_'")


def check_database_name(database: str) -> None:
    """Make sure that MongoDB can have such a database.

    Raises:
        InputError: when it cannot; the message says why.

    """
    bad = sorted(_BAD_IN_DATABASE & set(database))
    if reason := _text_fault(database, _LONGEST_DATABASE) or (bad and f"MongoDB does not allow {bad[0]!r} in it"):
        raise InputError(f"database name {database[:80]!r}: {reason}; use letters, digits, '-' and '_'")


def _text_fault(name: str, longest: int) -> str:
    if not name:
        return "it is empty"
    if "\0" in name:
        return "MongoDB does not allow NUL in it"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:  # bytes of a command line in another encoding
        return "it is not valid Unicode"
    return f"it has more than {longest} bytes" if size > longest else ""


def _pool_fault(name: str) -> str:
    if "$" in name:
        return "MongoDB does not allow '$' in it"
    if name.startswith("."):
        return "it must not start with a dot"
    if name.endswith("."):
        return "it must not end with a dot"
    if ".." in name:
        return "MongoDB does not allow two dots in a row"
    if name.startswith("system."):
        return "MongoDB keeps 'system.' for itself"
    return ""
