"""Fingerprints tell whether what somebody sees of the data is the same, and where it is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.data import DataChanged, Fingerprints, Market, open_market
from components.data.fingerprint import DataView, difference, fingerprints, trace

FIELDS = ("close", "volume")
CODES = ("S001", "S002", "S003")


def bars(days: int = 60, seed: int = 1) -> pd.DataFrame:
    """Made-up bars of three instruments; the third is listed on the 11th day and suspended on the 31st."""
    rng = np.random.default_rng(seed)
    day = pd.bdate_range("2020-01-01", periods=days)
    table = pd.DataFrame({"date": np.tile(day, 3), "instrument": np.repeat(CODES, days)})
    # drawn day by day, so that more days do not change the earlier ones
    drawn = rng.random((days, 3, 2)).transpose(1, 0, 2).reshape(-1, 2)
    table["close"], table["volume"] = 10 + drawn[:, 0], np.round(1e6 * drawn[:, 1])
    third = table["instrument"] == "S003"
    late, suspended = table["date"] < day[10], table["date"] == day[30]
    return table[~(third & (late | suspended))].reset_index(drop=True)


def market_of(table: pd.DataFrame, path: Path) -> Market:
    """The bars as a file of the kind that the path's ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False)
    return open_market(f"{path.suffix[1:]}:{path}")


def qlib_folder(table: pd.DataFrame, root: Path) -> Market:
    """The bars as a Qlib folder."""
    days = sorted(table["date"].unique())
    for folder in ("calendars", "instruments", "features"):
        (root / folder).mkdir(parents=True)
    (root / "calendars" / "day.txt").write_text("".join(f"{day:%Y-%m-%d}\n" for day in days))
    lines = []
    for code, part in table.groupby("instrument"):
        own = part.set_index("date").reindex([d for d in days if part["date"].min() <= d <= part["date"].max()])
        lines.append(f"{code}\t{own.index[0]:%Y-%m-%d}\t{own.index[-1]:%Y-%m-%d}\n")
        (root / "features" / str(code).lower()).mkdir()
        for field in FIELDS:
            values = np.concatenate([[days.index(own.index[0])], own[field].to_numpy()]).astype("<f4")
            values.tofile(root / "features" / str(code).lower() / f"{field}.day.bin")
    (root / "instruments" / "all.txt").write_text("".join(lines))
    return open_market(f"qlib:{root}")


def view(*, first: int = 0, last: int = 49, start: int | None = None) -> DataView:
    """What is seen of the first 50 days, unless other days are given."""
    return DataView(fields=FIELDS, universe="all", start=first if start is None else start, first=first, last=last)


def one(market: Market, **days: int) -> str:
    (found,) = fingerprints(market, [view(**days)])
    return found


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return market_of(bars(), tmp_path / "bars.parquet")


def test_folder_file_times_format_order_and_precision_do_not_matter(market: Market, tmp_path: Path) -> None:
    expected = one(market)
    assert len(expected) == 64
    copy = tmp_path / "elsewhere" / "bars.parquet"
    copy.parent.mkdir()
    shutil.copy(tmp_path / "bars.parquet", copy)
    os.utime(copy, (0, 0))
    assert one(open_market(f"parquet:{copy}")) == expected
    assert one(market_of(bars(), tmp_path / "bars.csv")) == expected
    assert one(qlib_folder(bars(), tmp_path / "qlib")) == expected
    assert one(market_of(bars().sample(frac=1, random_state=3), tmp_path / "shuffled.parquet")) == expected
    assert one(market_of(bars().astype({"close": "float32"}), tmp_path / "narrow.parquet")) == expected


def test_a_missing_bar_and_one_without_values_are_equal(market: Market, tmp_path: Path) -> None:
    empty = pd.DataFrame({"date": [pd.bdate_range("2020-01-01", periods=31)[-1]], "instrument": "S003"})
    assert one(market_of(pd.concat([bars(), empty]), tmp_path / "empty.parquet")) == one(market)


def test_days_before_and_after_what_is_seen_do_not_matter(market: Market, tmp_path: Path) -> None:
    assert one(market_of(bars(days=70), tmp_path / "longer.parquet")) == one(market)
    assert one(market_of(bars(days=50), tmp_path / "shorter.parquet")) == one(market)
    before = bars()[lambda table: table["date"] == "2020-01-01"].assign(date=pd.Timestamp("2019-12-31"))
    assert one(market_of(pd.concat([before, bars()]), tmp_path / "earlier.parquet"), first=11, last=50) == one(
        market, first=10, last=49
    )


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("day", [0, 25, 49])
def test_one_changed_value_changes_the_fingerprint_of_those_who_see_it(
    market: Market, tmp_path: Path, field: str, day: int
) -> None:
    table = bars()
    table.loc[day, field] = np.nextafter(np.float32(table.loc[day, field]), np.float32(np.inf))
    changed = market_of(table, tmp_path / "changed.parquet")
    assert one(changed) != one(market)
    assert one(changed, last=day) != one(market, last=day)
    if day:
        assert one(changed, last=day - 1) == one(market, last=day - 1)
    if day < 49:
        assert one(changed, first=day + 1) == one(market, first=day + 1)


def test_values_that_change_places_change_the_fingerprint(market: Market, tmp_path: Path) -> None:
    table = bars()
    for field in ("date", "instrument"):
        others = table["instrument"].ne("S003") & table["date"].isin(table["date"].unique()[[3, 4]])
        swapped = table.copy()
        swapped.loc[others, "close"] = (
            table[others].sort_values(["instrument", "date"] if field == "date" else ["date", "instrument"])
        )["close"].to_numpy()[[1, 0, 3, 2]]
        assert one(market_of(swapped, tmp_path / f"{field}.parquet")) != one(market)


def test_other_fields_and_instruments_are_not_seen(market: Market, tmp_path: Path) -> None:
    table = bars().assign(open=1.0)
    new = table[table["instrument"] == "S001"].assign(instrument="S004")[-5:]  # listed after the view ends
    assert one(market_of(pd.concat([table, new]), tmp_path / "more.parquet")) == one(market)


def test_a_universe_counts_as_it_is_on_the_days_that_are_seen(tmp_path: Path) -> None:
    found = {}
    for name, lines in {
        "plain": "S001\t2020-01-01\t2020-03-24\nS002\t2020-01-01\t2020-03-24\n",
        "longer": "S001\t2020-01-01\t2099-12-31\nS002\t2020-01-01\t2020-03-24\nS003\t2020-03-20\t2020-03-24\n",
        "shorter": "S001\t2020-01-01\t2020-02-28\nS002\t2020-01-01\t2020-03-24\n",
    }.items():
        market_of(bars(), tmp_path / name / "bars.parquet")
        (tmp_path / name / "instruments").mkdir()
        (tmp_path / name / "instruments" / "two.txt").write_text(lines)
        market = open_market(f"parquet:{tmp_path / name / 'bars.parquet'}")
        seen = DataView(fields=FIELDS, universe="two", start=0, first=0, last=49)
        (found[name],) = fingerprints(market, [seen])
    assert found["plain"] == found["longer"] != found["shorter"]


def test_spans_that_follow_each_other_are_one(tmp_path: Path) -> None:
    found = set()
    for name, lines in {
        "one": "S001\t2020-01-01\t2020-03-24\n",
        "cut on a weekend": "S001\t2020-01-01\t2020-02-01\nS001\t2020-02-03\t2020-03-24\n",
        "other order": "S001\t2020-02-03\t2020-03-24\nS001\t2020-01-01\t2020-02-02\n",
    }.items():
        market_of(bars(), tmp_path / name / "bars.parquet")
        (tmp_path / name / "instruments").mkdir()
        (tmp_path / name / "instruments" / "two.txt").write_text(lines)
        market = open_market(f"parquet:{tmp_path / name / 'bars.parquet'}")
        found |= set(fingerprints(market, [DataView(fields=FIELDS, universe="two", start=0, first=0, last=49)]))
    assert len(found) == 1


@pytest.mark.parametrize("kind", ["parquet", "qlib"])
def test_a_market_does_not_give_what_was_written_after_it_was_opened(tmp_path: Path, kind: str) -> None:
    if kind == "qlib":
        market, file = qlib_folder(bars(), tmp_path / "qlib"), tmp_path / "qlib/features/s001/close.day.bin"
    else:
        market, file = market_of(bars(), tmp_path / "bars.parquet"), tmp_path / "bars.parquet"
    content = file.read_bytes()
    known = Fingerprints()
    assert known.of(market, [view()]) == fingerprints(market, [view()])
    file.write_bytes(content)
    assert known.of(market, [view()])  # what is known of it stays so
    with pytest.raises(DataChanged, match=r"was written to while it was in use"):
        fingerprints(market, [view()])
    file.unlink()
    with pytest.raises(DataChanged, match=r"was deleted while it was in use"):
        market.panel("close", CODES)


def test_many_views_at_once_are_as_each_alone(market: Market) -> None:
    views = [view(first=first, last=last) for first in (0, 7) for last in (20, 30, 59)]
    views.append(DataView(fields=("close",), universe=("S001", "S002"), start=5, first=3, last=40))
    assert fingerprints(market, views) == [fingerprints(market, [each])[0] for each in views]
    assert len(set(fingerprints(market, views))) == 7


def test_what_a_market_lacks_counts_as_missing(market: Market) -> None:
    with_vwap = DataView(fields=(*FIELDS, "vwap"), universe="all", start=0, first=0, last=49)
    assert fingerprints(market, [with_vwap]) == [one(market)]


def test_the_difference_names_the_first_day_and_the_instruments(market: Market, tmp_path: Path) -> None:
    before = trace(market, view())
    assert difference(before, market) is None
    table = bars(days=70)  # days were appended, too
    table.loc[(table["instrument"] == "S003") & (table["date"] == "2020-02-20"), "close"] = 5.0
    table.loc[(table["instrument"] == "S001") & (table["date"] == "2020-03-02"), "volume"] = 5.0
    changed = difference(before, market_of(table, tmp_path / "changed.parquet"))
    assert changed is not None
    assert (changed.since, changed.instruments) == ("2020-02-20", ("S001", "S003"))
    assert str(changed) == "data from 2020-02-20, S001, S003"


def test_the_difference_names_instruments_that_came_or_went(market: Market, tmp_path: Path) -> None:
    table = bars()
    changed = difference(
        trace(market, view()), market_of(table[table["instrument"] != "S002"], tmp_path / "x.parquet")
    )
    assert changed is not None
    assert (changed.since, changed.instruments) == ("2020-01-01", ("S002",))
