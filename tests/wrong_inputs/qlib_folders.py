"""Qlib's data folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from wrong_inputs.case import Case, changed, write_config

_DAYS = [str(day.date()) for day in pd.bdate_range("2015-01-01", "2016-12-31")]
_CODES = [f"SH{600000 + number}" for number in range(5)]


def write_bin(folder: Path, code: str, field: str, values: np.ndarray, start: float = 0) -> Path:
    path = folder / "features" / code.lower() / f"{field}.day.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.array([start, *values], dtype="<f4").tofile(path)
    return path


def write_folder(folder: Path) -> None:
    """A Qlib folder that nothing is wrong with."""
    for part in ("calendars", "instruments", "features"):
        (folder / part).mkdir(parents=True)
    (folder / "calendars" / "day.txt").write_text("".join(f"{day}\n" for day in _DAYS))
    (folder / "instruments" / "all.txt").write_text(
        "".join(f"{code}\t{_DAYS[0]}\t{_DAYS[-1]}\n" for code in _CODES)
    )
    random = np.random.default_rng(7)
    for code in _CODES:
        close = 10 * np.exp(np.cumsum(random.normal(0, 0.02, len(_DAYS))))
        write_bin(folder, code, "close", close)
        write_bin(folder, code, "open", close * 0.99)


def _qlib(name: str, says: str, damage: Callable[[Path], object]) -> Case:
    def prepare(folder: Path) -> None:
        write_config(changed("data", "qlib:qlib"))(folder)
        write_folder(folder / "qlib")
        damage(folder / "qlib")

    return Case(name=name, says=says, prepare=prepare)


def _text(name: str, file: str, text: str | bytes, says: str) -> Case:
    content = text.encode() if isinstance(text, str) else text
    return _qlib(name, says, lambda folder: (folder / file).write_bytes(content))


def _bin(name: str, says: str, make: Callable[[Path], object]) -> Case:
    """The close of SH600001 is something else."""

    def damage(folder: Path) -> None:
        path = folder / "features" / "sh600001" / "close.day.bin"
        path.unlink()
        make(path)

    return _qlib(name, says, damage)


def _values(name: str, says: str, values: list[float], start: float = 0) -> Case:
    return _bin(name, says, lambda path: np.array([start, *values], dtype="<f4").tofile(path))


_DAY, _ALL = "calendars/day.txt", "instruments/all.txt"
_N = len(_DAYS)

CASES = [
    _qlib("no calendar", "it has no calendars/day.txt", lambda f: (f / _DAY).unlink()),
    _qlib("no instruments", "it has no instruments", lambda f: shutil.rmtree(f / "instruments")),
    _qlib("no features", "it has no features", lambda f: shutil.rmtree(f / "features")),
    _qlib("no universe", "holds no universe", lambda f: (f / _ALL).unlink()),
    _qlib(
        "empty features", "features holds no", lambda f: shutil.rmtree(f / "features") or (f / "features").mkdir()
    ),
    _qlib(
        "features is a file", "features", lambda f: shutil.rmtree(f / "features") or (f / "features").write_text("")
    ),
    _qlib("day.txt is a folder", "day.txt is not a file", lambda f: (f / _DAY).unlink() or (f / _DAY).mkdir()),
    _qlib("day.txt is a pipe", "day.txt is not a file", lambda f: (f / _DAY).unlink() or os.mkfifo(f / _DAY)),
    _qlib("all.txt is a pipe", "all.txt is not a file", lambda f: (f / _ALL).unlink() or os.mkfifo(f / _ALL)),
    _qlib(
        "all.txt is a circle of links", "all.txt", lambda f: (f / _ALL).unlink() or (f / _ALL).symlink_to("all.txt")
    ),
    _text("day.txt is empty", _DAY, "", "day.txt holds no day"),
    _text("day.txt has only blank lines", _DAY, "\n\n", "day.txt holds no day"),
    _text(
        "day.txt with a bad byte", _DAY, b"2015-01-01\n2015-01-\xff2\n", "day.txt: is not text in UTF-8 (byte 20)"
    ),
    _text("day.txt in UTF-16", _DAY, "2015-01-01\n".encode("utf-16"), "day.txt: is not text in UTF-8"),
    _text("day.txt with a word", _DAY, "2015-01-01\nsoon\n", "day.txt line 2: not a day: 'soon'"),
    _text(
        "day.txt unpadded",
        _DAY,
        "2015-01-01\n2015-1-2\n",
        "day.txt line 2: not a day: '2015-1-2'; write YYYY-MM-DD",
    ),
    _text("day.txt with months", _DAY, "2015-01\n2015-02\n", "day.txt line 1: not a day: '2015-01'"),
    _text("day.txt with years", _DAY, "2015\n2016\n", "day.txt line 1: not a day: '2015'"),
    _text("day.txt with slashes", _DAY, "2015/01/01\n", "day.txt line 1: not a day: '2015/01/01'"),
    _text(
        "day.txt not sorted", _DAY, "2015-01-02\n2015-01-01\n", "days must rise, but 2015-01-01 follows 2015-01-02"
    ),
    _text("day.txt with a day twice", _DAY, "2015-01-02\n2015-01-02\n", "days must rise"),
    _text("day.txt by the minute", _DAY, "2015-01-02 09:30:00\n2015-01-02 09:31:00\n", "days must rise"),
    _text(
        "all.txt with a bad byte",
        _ALL,
        b"SH600000\t2015-01-01\t2016-12-31\n\xff\n",
        "all.txt: is not text in UTF-8",
    ),
    _text("all.txt with commas", _ALL, "SH600000,2015-01-01,2016-12-31\n", "all.txt line 1: expected code TAB"),
    _text("all.txt with blanks", _ALL, "SH600000 2015-01-01 2016-12-31\n", "all.txt line 1: expected code TAB"),
    _text("all.txt with only codes", _ALL, "SH600000\nSH600001\n", "all.txt line 1: expected code TAB"),
    _text("all.txt with a wrong day", _ALL, "SH600000\t2015-01-01\tlater\n", "all.txt line 1: not a day: 'later'"),
    _text(
        "all.txt with an unpadded day",
        _ALL,
        "SH600000\t2015-1-1\t2016-12-31\n",
        "all.txt line 1: not a day: '2015-1-1'",
    ),
    _text("all.txt with an empty day", _ALL, "SH600000\t\t2016-12-31\n", "all.txt line 1: not a day: ''"),
    _text("all.txt with no code", _ALL, "\t2015-01-01\t2016-12-31\n", "all.txt line 1: expected code TAB"),
    _text("all.txt upside down", _ALL, "SH600000\t2016-12-31\t2015-01-01\n", "universe 'all': no row between"),
    _text("all.txt is empty", _ALL, "", "universe 'all'"),
    _text(
        "all.txt of another market",
        _ALL,
        "AAPL\t2015-01-01\t2016-12-31\n",
        "universe 'all': none of its 1 instruments",
    ),
    _text("all.txt before the data", _ALL, "SH600000\t2001-01-01\t2002-12-31\n", "universe 'all': no row between"),
    _qlib(
        "codes in two cases",
        "one instrument",
        lambda f: (f / _ALL).write_text("SH600000\t2015-01-01\t2016-12-31\nsh600000\t2015-01-01\t2016-12-31\n"),
    ),
    _qlib(
        "two folders of one code",
        "one instrument",
        lambda f: shutil.copytree(f / "features/sh600001", f / "features/SH600001"),
    ),
    _bin("a bin is a circle of links", "close.day.bin", lambda path: path.symlink_to(path.name)),
    _bin("a bin is a link to nowhere", "close.day.bin", lambda path: path.symlink_to("nowhere")),
    _bin("a bin is a folder", "close.day.bin is not a file", lambda path: path.mkdir()),
    _bin("a bin is a pipe", "close.day.bin is not a file", lambda path: os.mkfifo(path)),
    _bin("a bin is empty", "close.day.bin: not a Qlib bin file", lambda path: path.write_bytes(b"")),
    _bin("a bin of three bytes", "close.day.bin: not a Qlib bin file", lambda path: path.write_bytes(b"\0\0\0")),
    _bin(
        "a bin of odd size",
        "close.day.bin: not a Qlib bin file",
        lambda path: path.write_bytes(b"\0" * 4 * _N + b"\0"),
    ),
    _bin("a bin is text", "close.day.bin: not a Qlib bin file", lambda path: path.write_text("1.0\n" * 400)),
    _values("a bin starts with NaN", "not a Qlib bin file", [1.0] * 9, start=float("nan")),
    _values("a bin starts at -1", "not a Qlib bin file", [1.0] * 9, start=-1),
    _values("a bin starts at 0.5", "not a Qlib bin file", [1.0] * 9, start=0.5),
    _values(
        "a bin starts at 1e30",
        "starts at position 1e+30, but the calendar has only 522 days",
        [1.0] * 9,
        start=1e30,
    ),
    _values(
        "a bin starts after the calendar",
        "starts at position 522, but the calendar has only 522 days",
        [1.0],
        start=_N,
    ),
    _values("a bin starts at infinity", "not a Qlib bin file", [1.0] * 9, start=float("inf")),
    _values("a bin is three times too long", "1,044 values too long for the calendar of 522 days", [10.0] * 3 * _N),
    _values(
        "a price is infinite", "$close is infinite in 1 row, such as SH600001", [10.0] * (_N - 1) + [float("inf")]
    ),
    _qlib(
        "all prices are NaN",
        "$close has no value",
        lambda f: [write_bin(f, c, "close", np.full(_N, np.nan)) for c in _CODES],
    ),
    _qlib(
        "all prices are 0",
        "$close is 0 or below in 2610 of 2610 rows",
        lambda f: [write_bin(f, c, "close", np.zeros(_N)) for c in _CODES],
    ),
    _qlib(
        "no close",
        "no field $close",
        lambda f: [(f / f"features/{c.lower()}/close.day.bin").unlink() for c in _CODES],
    ),
    _qlib(
        "only data by the minute",
        "features holds no",
        lambda f: [
            path.rename(path.with_name(path.name.replace(".day.", ".1min."))) for path in f.glob("features/*/*")
        ],
    ),
]
