"""A matrix in a store, for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.features.matrix_files import Description


@dataclass(frozen=True, kw_only=True)
class StoredMatrix:
    """Which matrix a folder holds, and when it was used."""

    folder: Path
    key: str
    #: Class of the handler, universe and address of the data; None where the description cannot be read.
    handler: str | None
    universe: str | None
    uri: str | None
    #: First and last day, ``YYYY-MM-DD``.
    start: str | None
    end: str | None
    #: Bytes.
    size: int
    #: Seconds since 1970.
    last_use: float

    @classmethod
    def of(cls, folder: Path, description: Description | None) -> StoredMatrix:
        """Look at a folder.

        Raises:
            OSError: when it is gone.
        """
        names = ("handler", "universe", "uri", "start", "end")
        return cls(
            folder=folder,
            key=folder.parent.name,
            **{name: getattr(description, name, None) for name in names},
            size=sum(file.stat().st_size for file in folder.iterdir()),
            last_use=folder.stat().st_mtime,
        )
