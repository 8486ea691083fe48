"""Files of a market: what is read of them is what was there when the market was opened, or an error."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from components.errors import InputError, RollflowError


class DataChanged(RollflowError):
    """A file of a market was written to after the market was opened: open the market anew."""


@dataclass(frozen=True)
class DataFile:
    """A file as it was when its market was opened."""

    path: str
    size: int
    #: When the file, its name or its attributes changed; unlike the time of modification nobody can set it.
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """A file as it is now.

        Raises:
            InputError: when it is not a file.
        """
        if not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path} is not a file")
        status = path.stat()
        return cls(str(path), status.st_size, status.st_ctime_ns)

    def read(self, size: int = -1) -> bytes:
        """Its first bytes, or all of them.

        Raises:
            DataChanged: when the file is not what it was.
            OSError: when it cannot be read.
        """
        wanted = self.size if size < 0 else min(size, self.size)
        try:
            file = os.open(self.path, os.O_RDONLY)  # there are many: Python's own open takes twice the time
        except FileNotFoundError:
            raise DataChanged(f"{self.path} was deleted while it was in use; run it again") from None
        try:
            content = os.read(file, wanted)
            self._confirm(os.fstat(file))
        finally:
            os.close(file)
        if len(content) < wanted:
            raise OSError(f"{len(content)} bytes could be read of {wanted}")
        return content

    def confirm(self) -> None:
        """Do nothing if the file is still what it was; to be asked after somebody else has read it.

        Raises:
            DataChanged: when it is not.
        """
        try:
            self._confirm(os.stat(self.path))
        except FileNotFoundError:
            raise DataChanged(f"{self.path} was deleted while it was in use; run it again") from None

    def _confirm(self, status: os.stat_result) -> None:
        if (status.st_size, status.st_ctime_ns) != (self.size, self.changed_ns):
            raise DataChanged(f"{self.path} was written to while it was in use; run it again")
