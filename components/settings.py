"""What the environment may say: where things are kept, which servers to use, whose code to trust."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components.errors import InputError, nearest

#: Seconds: 30 days.
_LONGEST_LEASE = 2_592_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Read from variables named ``ROLLFLOW_...``, and MLflow's own for its address.

    Values that may hold a password are left out of `repr`.
    """

    #: Everything that is kept between runs on this machine: tasks, experiments, feature matrices.
    home: Path = Path("~/.rollflow")
    #: Address of a MongoDB server; None: a private mongod below `home`.
    mongo_url: str | None = field(default=None, repr=False)
    #: Database of the task pools.
    database: str = "rollflow"
    #: The mongod to start; None: the one in the installed package, or on the PATH.
    mongod: Path | None = None
    #: Port of the private mongod; None: any free one.
    mongo_port: int | None = None
    #: Address of the MLflow store; None: SQLite below `home`.
    tracking_uri: str | None = field(default=None, repr=False)
    #: Packages whose classes a config may name, besides rollflow's own.
    trusted_modules: tuple[str, ...] = ()
    #: How long a claimed task stays claimed without a sign of life.
    lease: timedelta = timedelta(seconds=60)
    #: Bytes that the stored feature matrices may take; those that were not used for longest are deleted beyond it.
    matrices_limit: int = 20 * 10**9
    #: Address that is told of what a service has to say; None: nobody is. Whoever knows it can write there.
    webhook: str | None = field(default=None, repr=False)
    #: Prefect's blocks that are told as well: a webhook, or whatever sends notifications.
    notify: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """The settings that the environment gives.

        Raises:
            InputError: for an unknown ``ROLLFLOW_`` variable or a value that cannot be read.
        """
        known = {f"ROLLFLOW_{name}" for name in _READERS}
        for name in environ:
            if name.startswith("ROLLFLOW_") and name not in known:
                raise InputError(f"unknown setting {name} in the environment{nearest(name, known)}")
        values: dict[str, Any] = {"tracking_uri": environ.get("MLFLOW_TRACKING_URI") or None}
        for name, read in _READERS.items():
            text = environ.get(f"ROLLFLOW_{name}", "").strip()
            if not text:
                continue
            try:
                values[name.lower()] = read(text)
            except ValueError as error:
                raise InputError(f"setting ROLLFLOW_{name}: {error}") from None
        values.setdefault("home", cls.home.expanduser().resolve())
        return cls(**values)

    @property
    def matrices(self) -> Path:
        """Folder of the feature matrices."""
        return self.home / "features"


def _seconds(text: str) -> timedelta:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_LEASE:
        raise ValueError(f"{text!r:.60} is not a number of seconds from above 0 to {_LONGEST_LEASE:,}")
    return timedelta(seconds=seconds)


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 2**16:
        raise ValueError(f"{text!r:.60} is not a port, a whole number from 1 to 65535")
    return int(text)


def _packages(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise ValueError(f"{name!r:.60} is not the name of a package; write names with commas between")
    return names


def _database(text: str) -> str:
    if not re.fullmatch(r"[^\s/\\.\"$*<>:|?\0]+", text) or len(text.encode()) > 63:
        raise ValueError(f"{text!r:.80} is no name of a database; use up to 63 letters, digits, '-' and '_'")
    return text


def _program(text: str) -> Path:
    path = Path(text)
    try:
        is_program = path.is_file() and os.access(path, os.X_OK)
    except (OSError, ValueError):
        is_program = False
    if not is_program:
        raise ValueError(f"{text:.200} is not a program; give the path of a mongod")
    return path


def _home(text: str) -> Path:
    """A folder that is there, or could be made."""
    try:
        path = Path(text).expanduser().resolve()
        above = next(folder for folder in (path, *path.parents) if folder.exists())
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{text:.200} cannot be a folder ({getattr(error, 'strerror', None) or error})") from None
    if "%" in str(path) or "?" in str(path):
        raise ValueError(f"{path}: the address of a database cannot hold '%' or '?'; choose another folder")
    if not above.is_dir():
        raise ValueError(f"{above} is not a folder; choose another one")
    if above != path and not os.access(above, os.W_OK | os.X_OK):
        raise ValueError(f"{path} cannot be made: no right to write to {above}; choose another folder")
    return path


def _webhook(text: str) -> str:
    """The address is a secret, so that no message repeats it."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or re.search(r"[\s\x00-\x1f]", text):
        raise ValueError("it is not the address of a webhook; write it like https://host/path")
    return text


def _blocks(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", name):
            raise ValueError(f"{name!r:.60} is not the name of a Prefect block; write it like slack-webhook/team")
    return names


def _bytes(text: str) -> int:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGT]?)", text.upper())
    if not match:
        raise ValueError(f"{text!r:.60} is not a number of bytes; write it like 500M or 20G")
    return int(float(match[1]) * 1000 ** " KMGT".index(match[2] or " "))


_READERS: dict[str, Callable[[str], object]] = {
    "HOME": _home,
    "MONGO_URL": str,
    "DATABASE": _database,
    "MONGOD": _program,
    "MONGO_PORT": _port,
    "TRUSTED_MODULES": _packages,
    "LEASE": _seconds,
    "MATRICES_LIMIT": _bytes,
    "WEBHOOK": _webhook,
    "NOTIFY": _blocks,
}
