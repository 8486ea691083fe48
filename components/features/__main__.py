"""The stored feature matrices: ``python -m components.features --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from components.cli import confirm, write_json
from components.errors import InputError, RollflowError
from components.features.store import MatrixStore
from components.features.stored_matrix import StoredMatrix
from components.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 2 when the input is wrong."""
    options = _parser().parse_args(arguments)
    try:
        store = MatrixStore(Settings.from_env().matrices)
        found = store.matrices() if options.command == "list" else _clear(store, options)
    except RollflowError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    if options.json:
        write_json([_document(stored) for stored in found])
    else:
        _show(found)
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="for scripts: JSON on stdout")
    parser = argparse.ArgumentParser(
        prog="python -m components.features", description="Look at the stored feature matrices."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    text = "handler, universe, days, size and last use of each matrix, the last used first"
    commands.add_parser("list", parents=[common], help=text, description=text)
    text = "delete matrices; they are built again when they are needed"
    clear = commands.add_parser("clear", parents=[common], help=text, description=text)
    clear.add_argument("key", nargs="*", help="keys, or their starts; none: all matrices")
    clear.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _clear(store: MatrixStore, options: argparse.Namespace) -> list[StoredMatrix]:
    """What was deleted."""
    wanted = [each for each in store.matrices() if not options.key or each.key.startswith(tuple(options.key))]
    for key in options.key:
        if not any(each.key.startswith(key) for each in wanted):
            raise InputError(f"no matrix has a key that starts with {key!r}; `list` shows them")
    if wanted:
        size = _size(sum(each.size for each in wanted))
        confirm(f"delete {len(wanted)} feature matrices of {size}", yes=options.yes)
    if options.key:
        store.delete(wanted)
        return wanted
    return store.prune(0)


def _document(stored: StoredMatrix) -> dict[str, Any]:
    used = datetime.fromtimestamp(stored.last_use, UTC)
    return {**asdict(stored), "folder": str(stored.folder), "last_use": used}


def _show(found: Sequence[StoredMatrix]) -> None:
    sys.stdout.write(f"{len(found)} feature matrices, {_size(sum(stored.size for stored in found))}\n")
    for stored in found:
        used = datetime.fromtimestamp(stored.last_use, UTC).astimezone()
        what = "not readable"
        if stored.handler:
            what = f"{stored.handler} {stored.universe}  {stored.start}..{stored.end}"
        line = f"{stored.key[:12]}  {what}  {_size(stored.size)}  {used:%Y-%m-%d %H:%M}  {stored.uri or ''}"
        sys.stdout.write(line.rstrip() + "\n")


def _size(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
