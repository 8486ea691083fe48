"""Names of databases and pools: refused here in one line, not somewhere in the driver."""

from __future__ import annotations

from components.errors import InputError
from components.names import check_name

_BAD_IN_DATABASE = frozenset('/\\. "$*<>:|?')
_LONGEST = 63  # bytes


def check_names(database: str, pool: str) -> None:
    """Make sure that MongoDB can have such a database and such a collection.

    Raises:
        InputError: when it cannot; the message says why.

    """
    check_database_name(database)
    check_name("pool", pool)


def check_database_name(database: str) -> None:
    """Make sure that MongoDB can have such a database.

    Raises:
        InputError: when it cannot; the message says why.

    """
    bad = sorted(_BAD_IN_DATABASE & set(database))
    if reason := _text_fault(database) or (bad and f"MongoDB does not allow {bad[0]!r} in it"):
        raise InputError(f"database name {database[:80]!r}: {reason}; use letters, digits, '-' and '_'")


def _text_fault(name: str) -> str:
    if not name:
        return "it is empty"
    if "\0" in name:
        return "MongoDB does not allow NUL in it"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:  # bytes of a command line in another encoding
        return "it is not valid Unicode"
    return f"it has more than {_LONGEST} bytes" if size > _LONGEST else ""
