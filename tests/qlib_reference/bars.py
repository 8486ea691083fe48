"""The market of the reference: bars made from a seed, with halts, gaps and a late listing, as a Qlib folder.

Python's own random numbers, which are the same in every version, and no package: Qlib and ours read the same files.
"""

from __future__ import annotations

import random
from array import array
from datetime import date, timedelta
from pathlib import Path

NAN = float("nan")
DAYS = 460
#: First and last day of data of each instrument.
LISTED = {
    "SH600001": (0, 459),
    "SH600002": (0, 459),
    "SH600003": (37, 459),
    "SZ000001": (0, 430),
    "SZ000002": (221, 459),
}
UNIVERSE = ("SH600001", "SH600003", "SZ000001")
STARTS = ("2015-01-01", "2015-01-02", "2015-09-12", "2016-02-20")
END = "2016-08-26"
#: Expressions of every operator, nested in every way that could matter to where series begin.
EXPRESSIONS = Path(__file__).with_name("expressions.txt").read_text().splitlines()
FIT = ("2016-02-20", "2016-06-30")


def write_folder(folder: Path) -> Path:
    """Write the market in Qlib's form."""
    days = [day for day in (date(2015, 1, 1) + timedelta(n) for n in range(2 * DAYS)) if day.weekday() < 5][:DAYS]
    (folder / "calendars").mkdir(parents=True)
    (folder / "instruments").mkdir()
    (folder / "calendars" / "day.txt").write_text("".join(f"{day}\n" for day in days))
    spans = [f"{code}\t{days[first]}\t{days[last]}\n" for code, (first, last) in LISTED.items()]
    (folder / "instruments" / "all.txt").write_text("".join(spans))
    for code, (first, last) in LISTED.items():
        target = folder / "features" / code.lower()
        target.mkdir(parents=True)
        for field, values in _bars(random.Random(code), last - first + 1).items():
            (target / f"{field}.day.bin").write_bytes(array("f", [first, *values]).tobytes())
    return folder


def _bars(draw: random.Random, size: int) -> dict[str, list[float]]:
    bars: dict[str, list[float]] = {field: [] for field in ("open", "high", "low", "close", "volume", "vwap")}
    price, halted, flat = draw.uniform(3, 60), 0, 0
    for day in range(size):
        halted = max(halted - 1, 0) or (draw.randrange(1, 30) if draw.random() < 0.02 else 0)
        flat = max(flat - 1, 0) or (draw.randrange(2, 12) if draw.random() < 0.02 else 0)
        opened = price * (1 if flat else 1 + draw.gauss(0, 0.01))
        price = max(price * (1 if flat else 1 + draw.gauss(0, 0.025)), 0.5)
        volume = 0.0 if flat and draw.random() < 0.5 else float(int(10 ** draw.uniform(3, 8)))
        bar = {
            "open": opened,
            "high": max(opened, price) * (1 if flat else 1 + abs(draw.gauss(0, 0.01))),
            "low": min(opened, price) * (1 if flat else 1 - abs(draw.gauss(0, 0.01))),
            "close": price,
            "volume": volume,
            "vwap": (opened + price) / 2,
        }
        missing = 0 < day < size - 1 and halted
        for field, value in bar.items():
            bars[field].append(NAN if missing else value if field == "volume" else round(value, 2))
    return bars
