"""Qlib's binary data folders, read as they are."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.data.calendar import Days, TradingCalendar
from components.data.files import DataFile
from components.data.market import Market, Panel, Positions, Spans
from components.data.membership import read_spans
from components.data.text_files import parse_day, read_lines
from components.errors import InputError

_log = logging.getLogger(__name__)

_SUFFIX = ".day.bin"
#: Names that Windows reserves, so Qlib prefixes their folders.
_RESERVED_PREFIX = "_qlib_"


@dataclass(frozen=True)
class _Bin(DataFile):
    """One field of one instrument: little-endian float32, the first the calendar position of the rest."""

    def start(self) -> int:
        return self._position(self._numbers(4))

    def series(self) -> tuple[int, Panel]:
        values = self._numbers()
        return self._position(values), values[1:]

    def count(self) -> int:
        return self.size // 4 - 1

    def _numbers(self, size: int = -1) -> Panel:
        try:
            return np.frombuffer(self.read(size), "<f4")
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path}: not a Qlib bin file ({error})") from None

    def _position(self, values: Panel) -> int:
        first = float(values[0]) if len(values) else math.nan
        if self.size % 4 or not math.isfinite(first) or first < 0 or first != int(first):
            raise InputError(f"{self.path}: not a Qlib bin file (its first value must be a calendar position)")
        return int(first)

    def check(self, start: int, days: int) -> None:
        """Refuse what cannot be of a calendar with so many days; some days more than it has do not count."""
        if start >= days and self.count() > 0:
            raise InputError(
                f"{self.path}: starts at position {start:g}, but the calendar has only {days} days; "
                "it belongs to another calendars/day.txt"
            )
        if start + self.count() > 2 * days:
            surplus = start + self.count() - days
            raise InputError(
                f"{self.path}: {surplus:,} values too long for the calendar of {days} days; "
                "it belongs to another calendars/day.txt"
            )


class QlibFolder(Market):
    """``calendars/day.txt``, ``instruments/NAME.txt`` and ``features/<code>/<field>.day.bin`` below one folder.

    ``calendars/day_future.txt`` may announce trading days to come.
    The folder is listed once, at the start: data written later needs a new object. Values beyond the calendar
    do not count.
    """

    def __init__(self, root: Path) -> None:
        for part in ("calendars/day.txt", "instruments", "features"):
            if not (root / part).exists():
                raise InputError(f"{root} is not a Qlib data folder: it has no {part}")
            if not part.endswith(".txt") and not (root / part).is_dir():
                raise InputError(f"{root} is not a Qlib data folder: {part} is not a folder")
        self.uri = f"qlib:{root}"
        self.calendar = _read_calendar(root / "calendars" / "day.txt")
        self._future = _read_future(root / "calendars" / "day_future.txt", self.calendar)
        self._universe_files = {path.stem: path for path in sorted((root / "instruments").glob("*.txt"))}
        if not self._universe_files:
            raise InputError(f"{root}/instruments holds no universe, such as all.txt")
        self.universes = tuple(self._universe_files)
        self._spans = {name: read_spans(path) for name, path in self._universe_files.items()}
        self._bins = _list_bins(root / "features", self._spelling())
        self.instruments = tuple(sorted(self._bins))
        self.fields = tuple(sorted({field for bins in self._bins.values() for field in bins}))
        if not self.fields:
            raise InputError(f"{root}/features holds no <code>/<field>{_SUFFIX}")
        self._version = self._hash()
        self._starts: dict[str, int] = {}
        self._ranges: dict[str, tuple[int, int]] = {}

    @property
    def future(self) -> Days:
        """The days of ``calendars/day_future.txt`` after those of ``day.txt``."""
        return self._future

    @property
    def version(self) -> str:
        """SHA-256 over calendar and universes, and names, sizes and times of change of the bin files."""
        return self._version

    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        """Read one file per instrument; see `Market.panel`."""
        self.check_field(field)
        self.places(instruments)
        days = len(self.calendar)
        panel = np.full((len(instruments), days), np.nan, dtype=np.float32)
        for row, code in zip(panel, instruments, strict=True):
            if file := self._bins[code].get(field):
                start, values = file.series()
                row[start : start + len(values)] = values[: max(0, days - start)]
                self._starts[file.path] = start
        return panel

    def data_range(self, instruments: Sequence[str]) -> tuple[Positions, Positions]:
        """From the first to the last bar of any field; see `Market.data_range`."""
        self.places(instruments)
        ranges = [self._range(code) for code in instruments]
        first, last = np.array(ranges, dtype=np.int32).reshape(-1, 2).T
        return np.ascontiguousarray(first), np.ascontiguousarray(last)

    def spans(self, universe: str) -> Spans:
        """The lines of ``instruments/<universe>.txt``; `all` is a universe like the others."""
        self.check_universe(universe)
        return self._spans[universe]

    def _range(self, code: str) -> tuple[int, int]:
        if code not in self._ranges:
            days, first, last = len(self.calendar), 0, -1
            alike = None  # fields of one instrument begin and end together, as a rule
            for file in self._bins[code].values():
                start = self._start(file)
                if (start, file.size) == alike:
                    continue
                alike = start, file.size
                file.check(start, days)
                if count := file.count():
                    first = start if last < 0 else min(first, start)
                    last = max(last, min(start + count, days) - 1)
            self._ranges[code] = first, last
        return self._ranges[code]

    def _start(self, file: _Bin) -> int:
        """Where a file starts; what has been read need not be opened once more."""
        if file.path not in self._starts:
            self._starts[file.path] = file.start()
        return self._starts[file.path]

    def _spelling(self) -> dict[str, str]:
        """Code in lower case -> code as the universes write it."""
        spelling: dict[str, str] = {}
        for name, spans in self._spans.items():
            for code in spans.codes:
                if (twin := spelling.setdefault(code.lower(), code)) != code:
                    raise InputError(
                        f"{self._universe_files[name]}: {twin!r} and {code!r} are one instrument to Qlib, whose "
                        "folders are in lower case; write it alike in all universes"
                    )
        return spelling

    def _hash(self) -> str:
        digest = hashlib.sha256(self.calendar.days.tobytes())
        for name, spans in self._spans.items():
            digest.update("\n".join([name, *spans.codes, ""]).encode())
            digest.update(spans.first.tobytes() + spans.last.tobytes())
        for code in self.instruments:
            for field, file in sorted(self._bins[code].items()):
                digest.update(f"{code} {field} {file.size} {file.changed_ns}\n".encode())
        return digest.hexdigest()


def _read_calendar(path: Path) -> TradingCalendar:
    lines = [(number, text) for number, line in enumerate(read_lines(path), 1) if (text := line.strip())]
    days = np.array([parse_day(text, path, number) for number, text in lines], dtype="datetime64[D]")
    if not len(days):
        raise InputError(f"{path} holds no day")
    late = np.flatnonzero(np.diff(days) <= np.timedelta64(0, "D"))
    if len(late):
        raise InputError(f"{path}: days must rise, but {days[late[0] + 1]} follows {days[late[0]]}")
    return TradingCalendar(days)


def _read_future(path: Path, calendar: TradingCalendar) -> Days:
    if not path.exists():
        return np.array([], dtype="datetime64[D]")
    announced = _read_calendar(path).days
    if announced[-1] <= calendar.last:
        _log.warning("%s ends on %s, but day.txt goes to %s: renew it", path, announced[-1], calendar.last)
    return announced[announced > calendar.last]


def _list_bins(features: Path, spelling: dict[str, str]) -> dict[str, dict[str, _Bin]]:
    bins: dict[str, dict[str, _Bin]] = {}
    with os.scandir(features) as folders:
        for folder in folders:
            if folder.is_dir():
                lower = folder.name.removeprefix(_RESERVED_PREFIX).lower()
                code = spelling.get(lower, lower.upper())
                if code in bins:
                    raise InputError(
                        f"{features}: two folders, one of them {folder.name!r}, are one instrument, {code}"
                    )
                bins[code] = _list_fields(folder.path)
    return bins


def _list_fields(folder: str) -> dict[str, _Bin]:
    bins = {}
    with os.scandir(folder) as files:
        for file in files:
            if file.name.endswith(_SUFFIX):
                try:
                    status = file.stat()
                except OSError as error:
                    raise InputError(f"{file.path}: cannot be read ({error.strerror})") from None
                if not stat.S_ISREG(status.st_mode):
                    raise InputError(f"{file.path} is not a file")
                bins[file.name.removesuffix(_SUFFIX)] = _Bin(file.path, status.st_size, status.st_ctime_ns)
    return bins
