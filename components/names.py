"""Names that users give to experiments and pools."""

from __future__ import annotations

import unicodedata

from components.errors import InputError

#: MongoDB and file systems count bytes.
_LONGEST = 120


def check_name(what: str, name: str) -> str:
    """The name, which can be a folder, a collection of MongoDB and part of a command line.

    Args:
        what: What it names, such as ``experiment``.
        name: Any text; blanks and all scripts are welcome inside it.

    Raises:
        InputError: for an empty or very long name, one that begins with a dot or a dash, and one with a slash, a
            backslash, a ``$`` or a control character, or blanks at its ends.
    """
    for wrong, why in (
        (not name.strip(), "it is empty"),
        (name != name.strip(), "it begins or ends with a blank"),
        (len(name.encode("utf-8", "replace")) > _LONGEST, f"it is longer than {_LONGEST} bytes"),
        (name.startswith((".", "-")), f"it begins with {name[:1]!r}"),
        (name.endswith("."), "it ends with '.'"),
        (".." in name, "it holds '..'"),
        (name.startswith("system."), "names that begin with 'system.' are MongoDB's own"),
    ):
        if wrong:
            raise InputError(f"{what} {name!r:.80}: {why}; choose another name")
    for letter in name:
        if letter in "/\\$" or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp"):
            raise InputError(f"{what} {name!r:.80}: a name cannot hold {letter!r}; choose another name")
    return name
