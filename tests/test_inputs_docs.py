"""The promises of docs/inputs.md that tables and names can show."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from components.config.yaml_text import LONGEST
from components.data import open_market
from components.errors import InputError
from components.names import check_name

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "inputs.md").read_text("utf-8")


def cells(row: str) -> list[str]:
    """What stands between backticks in the second cell of a row."""
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| {row} |"))
    return re.findall(r"`(\w+)`", line.split("|")[2])


def opened(folder: Path, **columns: object) -> object:
    pd.DataFrame(columns | {"close": [1.0]}).to_csv(folder / "prices.csv", index=False)
    return open_market(f"csv:{folder}/prices.csv")


@pytest.mark.parametrize("name", cells("day"))
@pytest.mark.parametrize("spelt", [str.lower, str.upper])
def test_every_name_of_the_column_of_days(tmp_path: Path, name: str, spelt: type[str]) -> None:
    market = opened(tmp_path, **{spelt(name): ["2015-01-05"], "code": ["A"]})
    assert market.fields == ("close",)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", cells("instrument"))
def test_every_name_of_the_column_of_instruments(tmp_path: Path, name: str) -> None:
    market = opened(tmp_path, **{"date": ["2015-01-05"], name: ["000001"]})
    assert market.instruments == ("000001",)  # type: ignore[attr-defined]


def written(start: str, end: str) -> list[str]:
    """The days in backticks between two places of the text."""
    return re.findall(r"`([\d./-]{8,10})`", TEXT[TEXT.index(start) : TEXT.index(end)])


@pytest.mark.parametrize("day", written("Days may be", "each with or without"))
@pytest.mark.parametrize("time", ["", " 15:00:00"])
def test_every_way_to_write_a_day(tmp_path: Path, day: str, time: str) -> None:
    market = opened(tmp_path, date=[day + time], code=["A"])
    assert str(market.calendar.first) == "2015-01-05"  # type: ignore[attr-defined]


@pytest.mark.parametrize("day", written("in\nthat zone", "are refused"))
def test_every_way_that_is_refused(tmp_path: Path, day: str) -> None:
    with pytest.raises(InputError, match=f"holds '{day}', which is not a day"):
        opened(tmp_path, date=[day], code=["A"])


def test_the_examples_are_found() -> None:
    assert len(written("Days may be", "each with or without")) == 5
    assert len(written("in\nthat zone", "are refused")) == 2
    assert len(cells("day")) == 6
    assert len(cells("instrument")) == 5


def test_the_limits_are_those_of_the_code() -> None:
    assert f"up to {LONGEST // 1024} KiB" in TEXT
    assert check_name("pool", "é" * 60)  # 120 bytes
    with pytest.raises(InputError, match="longer than 120 bytes"):
        check_name("pool", "é" * 60 + "x")
