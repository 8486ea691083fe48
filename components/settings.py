"""What the environment may say: where things are kept, which servers to use, whose code to trust."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from components.errors import InputError, nearest


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
            except ValueError:
                raise InputError(f"setting ROLLFLOW_{name}: cannot read {text!r}") from None
        values["home"] = Path(values.get("home", cls.home)).expanduser().resolve()
        return cls(**values)

    @property
    def matrices(self) -> Path:
        """Folder of the feature matrices."""
        return self.home / "features"


def _seconds(text: str) -> timedelta:
    seconds = float(text)
    if seconds <= 0:
        raise ValueError(text)
    return timedelta(seconds=seconds)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_READERS: dict[str, Callable[[str], object]] = {
    "HOME": Path,
    "MONGO_URL": str,
    "DATABASE": str,
    "MONGOD": Path,
    "MONGO_PORT": int,
    "TRUSTED_MODULES": _names,
    "LEASE": _seconds,
}
