"""A private mongod for a home folder: started by whoever comes first, stopped when the last one has gone."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from components.errors import InputError
from components.pool.mongod import supervisor
from components.pool.mongod.find_mongod import find_mongod

_TIMEOUT = 90.0
_POLL = 0.02


@contextmanager
def embedded_mongo(home: Path, *, mongod: Path | None = None, port: int | None = None) -> Iterator[str]:
    """The address of the private mongod of `home`, which runs at least as long as the block.

    All processes of the same home share one mongod. Its data lies in ``home/mongo`` and is kept. It listens on the
    loopback interface only, without a password: every user of this machine may connect.

    Args:
        home: the home folder.
        mongod: the program; None: the one in the installed package, or on the PATH.
        port: None: any free one.

    Raises:
        InputError: when there is no mongod for this platform, it does not start, or the port is taken.

    """
    folder = home.expanduser().resolve() / "mongo"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        users = (folder / "users").open("a")
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); set ROLLFLOW_HOME to another folder"
        ) from None
    with users:
        _wait_for_lock(users, folder)
        yield _address(folder, mongod, port)


def _wait_for_lock(users: TextIOWrapper, folder: Path) -> None:
    # Only a supervisor that is just stopping mongod holds it exclusively.
    give_up = time.monotonic() + _TIMEOUT
    while not _locked(users, fcntl.LOCK_SH):
        if time.monotonic() > give_up:
            raise InputError(f"the mongod of {folder} does not stop; end it by hand and try again")
        time.sleep(_POLL)


def _address(folder: Path, mongod: Path | None, port: int | None) -> str:
    """Ask the supervisor, or become the one who starts it."""
    give_up = time.monotonic() + _TIMEOUT
    while time.monotonic() < give_up:
        with (folder / "supervisor.lock").open("a") as lock:
            found: int | None
            if _locked(lock, fcntl.LOCK_EX):
                found = _start_supervisor(folder, lock, find_mongod(folder, mongod), port)
            else:
                found = _running_port(folder)
        if found is None:
            time.sleep(_POLL)
            continue
        if port not in (None, found):
            raise InputError(f"the mongod of {folder} already runs on port {found}, not on {port}; ask for none")
        return f"mongodb://127.0.0.1:{found}"
    raise InputError(f"the mongod of {folder} does not answer; see {folder / 'mongod.log'}")


def _start_supervisor(folder: Path, lock: TextIOWrapper, mongod: Path, port: int | None) -> int:
    # The supervisor inherits the locked file: the lock passes on without a moment in which nobody has it.
    command = [sys.executable, "-I", supervisor.__file__, str(folder), str(mongod), str(port or 0)]
    started = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, pass_fds=[lock.fileno()], check=False
    )
    try:
        answer = json.loads(started.stdout)
    except ValueError:
        raise InputError(f"the supervisor of {folder} ended without an answer; is the disk full?") from None
    if "error" in answer:
        raise InputError(answer["error"])
    return int(answer["port"])


def _running_port(folder: Path) -> int | None:
    try:
        address = json.loads((folder / "address.json").read_text())
        os.kill(address["supervisor"], 0)  # an address that a killed supervisor left behind must not be trusted
        return int(address["port"])
    except (OSError, ValueError, KeyError):
        return None


def _locked(file: TextIOWrapper, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
