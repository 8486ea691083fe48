"""Fingerprints of what somebody sees of a market: equal when the values are, whatever files hold them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from components.data.market import Market, Membership

Hashes = npt.NDArray[np.uint64]

#: A fingerprint changes with this, so that results of another way to take it are never mistaken for equal ones.
_FORMAT = b"rollflow bars 1"
#: Instruments whose hashes are in memory at a time.
_BLOCK = 256
#: Versions of data whose fingerprints are remembered on disk.
_KEPT_VERSIONS = 50


@dataclass(frozen=True, kw_only=True)
class DataView:
    """A part of a market: some fields of the instruments of a universe, over some days (calendar positions)."""

    #: Names of the fields, sorted. One that the market lacks counts as missing everywhere.
    fields: tuple[str, ...]
    #: Name of a universe, or the instruments.
    universe: str | tuple[str, ...]
    #: The first day on which instruments have rows.
    start: int
    #: The first day whose values are seen: rows look back.
    first: int
    #: The last day, of both.
    last: int


@dataclass(frozen=True)
class DataTrace:
    """What is kept of a view to say later where the data differs: a hash for each day and for each instrument."""

    view: DataView
    #: The trading days that are seen, ``YYYY-MM-DD``.
    days: tuple[str, ...]
    by_day: tuple[int, ...]
    by_instrument: Mapping[str, int]

    def to_document(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DataTrace:
        """Read the JSON form."""
        view = document["view"]
        universe = view["universe"] if isinstance(view["universe"], str) else tuple(view["universe"])
        return cls(
            view=DataView(**{**view, "fields": tuple(view["fields"]), "universe": universe}),
            days=tuple(document["days"]),
            by_day=tuple(document["by_day"]),
            by_instrument=document["by_instrument"],
        )


@dataclass(frozen=True)
class DataChange:
    """Where data differs from what was seen before."""

    #: The first day that differs, ``YYYY-MM-DD``; None: no day does, only which instruments have rows.
    since: str | None
    #: The instruments that differ, sorted.
    instruments: tuple[str, ...]

    def __str__(self) -> str:
        named = ", ".join(self.instruments[:3])
        more = f" and {len(self.instruments) - 3} more" if len(self.instruments) > 3 else ""
        return ", ".join(
            part for part in (f"data from {self.since}" if self.since else "data", named + more) if part
        )


class Fingerprints:
    """Takes fingerprints and remembers them, by the version of a market's files: what is not touched is not read.

    Args:
        folder: Where they are remembered from process to process; None: nowhere. It may be deleted at any time.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, str]] = {}

    def of(self, market: Market, views: Sequence[DataView]) -> list[str]:
        """The fingerprint of each view; see `fingerprints`."""
        keys = [json.dumps(asdict(view), sort_keys=True) for view in views]
        with self._lock:
            if market.version not in self._known:
                self._known[market.version] = self._read(market.version)
            known = self._known[market.version]
            new = {key: view for key, view in zip(keys, views, strict=True) if key not in known}
            if new:
                known.update(zip(new, fingerprints(market, list(new.values())), strict=True))
                self._write(market.version, known)
            return [known[key] for key in keys]

    def _read(self, version: str) -> dict[str, str]:
        known: dict[str, str] = {}
        if self._folder:
            with suppress(OSError, ValueError):
                known = json.loads((self._folder / f"{version}.json").read_text("utf-8"))
        return known

    def _write(self, version: str, known: dict[str, str]) -> None:
        if self._folder is None:
            return
        with suppress(OSError):  # then they are taken again
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = self._folder / f"{version}.{uuid4().hex}"
            draft.write_text(json.dumps(known), "utf-8")
            draft.rename(self._folder / f"{version}.json")
            by_age = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime)
            for file in by_age[:-_KEPT_VERSIONS]:
                file.unlink()


def fingerprints(market: Market, views: Sequence[DataView]) -> list[str]:
    """A SHA-256 for each view, over its trading days, the rows of its universe, and the values of its fields.

    Values are compared as float32, as all computations take them; a missing bar and one without a value are equal.
    Adding days after a view's last one, or before its first, changes nothing. Views with the same fields and
    universe are read in one go.

    Raises:
        InputError: for an unknown universe or instrument.
    """
    parts: dict[tuple[tuple[str, ...], str | tuple[str, ...]], list[DataView]] = {}
    for view in views:
        parts.setdefault((view.fields, view.universe), []).append(view)
    result: dict[DataView, str] = {}
    for (fields, universe), same in parts.items():
        result |= _of_part(market, fields, universe, same)
    return [result[view] for view in views]


def trace(market: Market, view: DataView) -> DataTrace:
    """What to keep of a view.

    Raises:
        InputError: for an unknown universe or instrument.
    """
    membership = market.membership(view.universe)
    seen = _seen(membership, view)
    codes = [code for code, is_seen in zip(membership.instruments, seen, strict=True) if is_seen]
    days = market.calendar.days[view.first : view.last + 1]
    by_day, by_instrument = np.zeros(len(days), np.uint64), []
    for cells in _cells(market, view.fields, codes):
        part = cells[:, view.first : view.last + 1]
        by_day += part.sum(axis=0)
        by_instrument.extend(part.sum(axis=1).tolist())
    return DataTrace(
        view=view,
        days=tuple(np.datetime_as_string(days).tolist()),
        by_day=tuple(by_day.tolist()),
        by_instrument=dict(zip(codes, by_instrument, strict=True)),
    )


def difference(before: DataTrace, market: Market) -> DataChange | None:
    """Where a market differs from what was seen of it before, over the same days; None: nowhere.

    Raises:
        InputError: when the market has no such days or universe any more.
    """
    first, last = market.calendar.span(before.days[0], before.days[-1])
    start = market.calendar.at_or_after(before.days[before.view.start - before.view.first])
    view = DataView(fields=before.view.fields, universe=before.view.universe, start=start, first=first, last=last)
    now = trace(market, view)
    earlier, later = (dict(zip(each.days, each.by_day, strict=True)) for each in (before, now))
    days = sorted(day for day in earlier.keys() | later.keys() if earlier.get(day) != later.get(day))
    names = before.by_instrument.keys() | now.by_instrument.keys()
    codes = sorted(code for code in names if before.by_instrument.get(code) != now.by_instrument.get(code))
    return DataChange(days[0] if days else None, tuple(codes)) if days or codes else None


def _of_part(
    market: Market, fields: tuple[str, ...], universe: str | tuple[str, ...], views: Sequence[DataView]
) -> dict[DataView, str]:
    """The fingerprints of views of the same fields and universe."""
    # Sums over the days between all first and last days are enough to make those of each view.
    cuts = np.unique([[view.first, view.last + 1] for view in views])
    codes = market.listed(universe)
    sums = np.concatenate([_sums(cells, cuts) for cells in _cells(market, fields, codes)])
    # after the bars: who has read a file knows where it begins
    membership = market.membership(universe)
    sums = sums[np.searchsorted(codes, membership.instruments)]
    result = {}
    for view in views:
        digest = hashlib.sha256(_FORMAT)
        digest.update(market.calendar.days[view.first : view.last + 1].astype("<i8").tobytes())
        digest.update(_rows(market, membership, view))
        between = slice(*np.searchsorted(cuts, [view.first, view.last + 1]))
        digest.update(sums[_seen(membership, view), between].sum(axis=(0, 1)).astype("<u8").tobytes())
        result[view] = digest.hexdigest()
    return result


def _sums(cells: Hashes, cuts: npt.NDArray[np.int64]) -> Hashes:
    """Two independent sums of hashes between cuts, shape (instruments, cuts - 1, 2)."""
    from components.data.cell_hashes import sum_cells

    sums = np.empty((len(cells), len(cuts) - 1, 2), dtype=np.uint64)
    sum_cells(cells, cuts, sums)
    return sums


def _cells(market: Market, fields: Sequence[str], codes: Sequence[str]) -> Iterator[Hashes]:
    """Hashes of the values of all fields of some instruments, shape (instruments, days), block after block."""
    from components.data.cell_hashes import add_cells

    days = market.calendar.days.astype(np.int64).astype(np.uint64) & np.uint64(0xFFFFFFFF)
    for start in range(0, len(codes), _BLOCK):
        block = codes[start : start + _BLOCK]
        cells = np.zeros((len(block), len(days)), dtype=np.uint64)
        for field in fields:
            if field in market.fields:
                keys = np.array([_key(field, code) for code in block], dtype=np.uint64)
                add_cells(market.panel(field, block).view(np.uint32), keys, days, cells)
        yield cells


@lru_cache(maxsize=1 << 16)
def _key(field: str, code: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{field}\0{code}".encode(), digest_size=8).digest(), "little")


def _seen(membership: Membership, view: DataView) -> npt.NDArray[np.bool_]:
    """The instruments that have rows in a view."""
    overlaps = (membership.first <= view.last) & (membership.last >= view.start)
    seen = np.zeros(len(membership.instruments), dtype=np.bool_)
    seen[membership.instrument[overlaps]] = True
    return seen


def _rows(market: Market, membership: Membership, view: DataView) -> bytes:
    """Which instruments have rows on which days of a view."""
    first, last = np.maximum(membership.first, view.start), np.minimum(membership.last, view.last)
    spans = np.flatnonzero(first <= last)
    codes = "\n".join(membership.instruments[instrument] for instrument in membership.instrument[spans].tolist())
    days = market.calendar.days.astype("<i8")
    return codes.encode() + days[first[spans]].tobytes() + days[last[spans]].tobytes()
