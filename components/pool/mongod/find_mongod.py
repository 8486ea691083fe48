"""Finding a mongod to run."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from components.errors import InputError


def find_mongod(folder: Path, wanted: Path | None = None) -> Path:
    """The mongod that was asked for, else the one in the installed package, else the one on the PATH.

    Args:
        folder: where a copy may be put when the package's file cannot be run as it is.
        wanted: the one asked for.

    Raises:
        InputError: when there is none.

    """
    if wanted is not None:
        if not os.access(wanted, os.X_OK) or not wanted.is_file():
            raise InputError(f"{wanted} is not a program; set ROLLFLOW_MONGOD to the path of a mongod")
        return wanted
    packaged = _packaged()
    if packaged is not None:
        return _runnable(packaged, folder)
    on_path = shutil.which("mongod")
    if on_path is None:
        raise InputError(
            "no mongod for this platform: install MongoDB so that mongod is on the PATH, "
            "or set ROLLFLOW_MONGO_URL to the address of a server"
        )
    return Path(on_path)


def _packaged() -> Path | None:
    # Only the parent is asked for: importing the package itself would look for servers of its own.
    spec = find_spec("fiftyone")
    for place in (spec.submodule_search_locations if spec else None) or ():
        program = Path(place) / "db" / "bin" / "mongod"
        if program.is_file():
            return program
    return None


def _runnable(program: Path, folder: Path) -> Path:
    if os.access(program, os.X_OK):
        return program
    try:
        program.chmod(program.stat().st_mode | 0o755)
    except OSError:  # not ours to change: an environment of another user
        copy = folder / "mongod"
        if not copy.is_file() or copy.stat().st_size != program.stat().st_size:
            part = folder / f"mongod.{os.getpid()}"
            shutil.copyfile(program, part)
            part.chmod(0o755)
            part.replace(copy)
        return copy
    return program
