"""Opening markets: Qlib folders and long tables, and what is said when they are wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.data import TradingCalendar, open_market
from components.data.membership import Spans, cut_spans
from components.errors import InputError

DAYS = ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"]
NAN = float("nan")


def write_bin(root: Path, code: str, field: str, start: float, values: list[float]) -> Path:
    path = root / "features" / code / f"{field}.day.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.array([start, *values], dtype="<f4").tofile(path)
    return path


@pytest.fixture
def qlib(tmp_path: Path) -> Path:
    for part in ("calendars", "instruments", "features"):
        (tmp_path / part).mkdir()
    (tmp_path / "calendars" / "day.txt").write_text("\n".join(DAYS) + "\n")
    (tmp_path / "instruments" / "all.txt").write_text("AA\t2020-01-02\t2020-01-07\nbb\t2020-01-02\t2020-01-07\n")
    (tmp_path / "instruments" / "top.txt").write_text("AA\t2019-01-01\t2020-01-02\nAA\t2020-01-07\t2099-12-31\n")
    write_bin(tmp_path, "aa", "close", 0, [1, 2, NAN, 4])
    write_bin(tmp_path, "aa", "open", 1, [9])
    write_bin(tmp_path, "bb", "close", 2, [5, 6, 7])
    return tmp_path


def test_qlib_folder(qlib: Path) -> None:
    market = open_market(f"qlib:{qlib}")
    assert market.uri == f"qlib:{qlib}"
    assert market.instruments == ("AA", "bb")
    assert market.fields == ("close", "open")
    assert market.universes == ("all", "top")
    assert [str(day) for day in market.calendar.days] == DAYS
    # values beyond the calendar do not count, a missing file is NaN
    np.testing.assert_array_equal(market.panel("close", ["bb", "AA"]), [[NAN, NAN, 5, 6], [1, 2, NAN, 4]])
    np.testing.assert_array_equal(market.panel("open", ["AA", "bb"]), [[NAN, 9, NAN, NAN], [NAN] * 4])
    first, last = market.data_range(["AA", "bb"])
    assert (first.tolist(), last.tolist()) == ([0, 2], [3, 3])


def test_membership_is_cut_to_calendar_and_data(qlib: Path) -> None:
    market = open_market(f"qlib:{qlib}")
    top, everything, listed = market.membership("top"), market.membership("all"), market.membership(["bb"])
    assert (top.instruments, top.first.tolist(), top.last.tolist()) == (("AA",), [0, 3], [0, 3])
    assert (everything.instrument.tolist(), everything.first.tolist()) == ([0, 1], [0, 2])
    assert (listed.instruments, listed.first.tolist(), listed.last.tolist()) == (("bb",), [2], [3])


def test_paths_are_made_absolute(qlib: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(qlib.parent)
    monkeypatch.setenv("HOME", str(qlib.parent))
    assert open_market(f"qlib:{qlib.name}").uri == open_market(f"qlib:~/{qlib.name}").uri == f"qlib:{qlib}"


def test_version_changes_with_the_data(qlib: Path) -> None:
    version = open_market(f"qlib:{qlib}").version
    assert open_market(f"qlib:{qlib}").version == version
    path = write_bin(qlib, "aa", "close", 0, [1, 2, 3, 4])
    os.utime(path, ns=(0, 1))
    touched = open_market(f"qlib:{qlib}").version
    (qlib / "instruments" / "top.txt").write_text("AA\t2020-01-03\t2020-01-07\n")
    assert len({version, touched, open_market(f"qlib:{qlib}").version}) == 3


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("qlbi:/tmp", "did you mean 'qlib'"),
        ("prices", "write demo:, qlib:PATH"),
        ("qlib:", "has no path"),
        ("csv:/no/such/file", "/no/such/file does not exist"),
        ("qlib:/tmp", "is not a Qlib data folder: it has no calendars"),
    ],
)
def test_wrong_addresses(uri: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        open_market(uri)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: m.panel("clos", ["AA"]), r"no field \$clos .*did you mean 'close'"),
        (lambda m: m.panel("close", ["AAA"]), "no instrument 'AAA' .*did you mean 'AA'"),
        (lambda m: m.membership("topp"), "no universe 'topp' .*did you mean 'top'"),
        (lambda m: m.membership(["cc"]), "no instrument 'cc'"),
        (lambda m: m.membership([]), "0 instruments: no row"),
    ],
)
def test_wrong_questions(qlib: Path, ask: Callable[[object], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(open_market(f"qlib:{qlib}"))


@pytest.mark.parametrize("content", [b"", b"\0\0\0", np.array([np.nan, 1], "<f4").tobytes(), b"\0\0\0\x3f"])
def test_broken_bin_file(qlib: Path, content: bytes) -> None:
    (qlib / "features" / "aa" / "close.day.bin").write_bytes(content)
    with pytest.raises(InputError, match=r"aa/close.day.bin: not a Qlib bin file"):
        open_market(f"qlib:{qlib}").panel("close", ["AA"])


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("calendars/day.txt", "2020-01-03\n2020-01-02\n", "2020-01-02 follows 2020-01-03"),
        ("calendars/day.txt", "2020-01-02\n2020-01-02\n", "2020-01-02 follows 2020-01-02"),
        ("calendars/day.txt", "\n", "holds no day"),
        ("calendars/day.txt", "2020-13-01\n", "write YYYY-MM-DD"),
        ("instruments/all.txt", "AA 2020-01-02 2020-01-07\n", "line 1: expected code TAB"),
    ],
)
def test_broken_lists(qlib: Path, file: str, text: str, message: str) -> None:
    (qlib / file).write_text(text)
    with pytest.raises(InputError, match=message):
        open_market(f"qlib:{qlib}")


def long_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Date": pd.to_datetime(["2020-01-03", "2020-01-02", "2020-01-06", "2020-01-03"]),
            "symbol": ["000001", "000001", "000001", "000002"],
            "close": [2.0, 1.0, np.nan, 7.0],
            "volume": [10, 20, 30, 40],
            "name": ["a", "a", "a", "b"],
        }
    )


def write_table(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize("files", [1, 2])
def test_tables(tmp_path: Path, kind: str, files: int) -> None:
    frame = long_table()
    for number in range(files):
        write_table(frame.iloc[number::files], tmp_path / f"{number}.{kind}")
    market = open_market(f"{kind}:{tmp_path}" if files > 1 else f"{kind}:{tmp_path}/0.{kind}")
    assert market.instruments == ("000001", "000002")
    assert market.fields == ("close", "volume")
    assert [str(day) for day in market.calendar.days] == ["2020-01-02", "2020-01-03", "2020-01-06"]
    np.testing.assert_array_equal(market.panel("close", ["000002", "000001"]), [[NAN, 7, NAN], [1, 2, NAN]])
    np.testing.assert_array_equal(market.panel("volume", market.instruments), [[20, 10, 30], [NAN, 40, NAN]])
    members = market.membership("all")
    assert (members.first.tolist(), members.last.tolist()) == ([0, 1], [2, 1])


@pytest.mark.parametrize(
    "days",
    [
        ["2020-01-02", "2020-01-03"],
        ["20200102", "20200103"],
        [20200102, 20200103],
        pd.to_datetime(["2020-01-02 15:00", "2020-01-03 15:00"]),
        pd.to_datetime(["2020-01-02", "2020-01-03"]).tz_localize("Asia/Shanghai"),
        pd.to_datetime(["2020-01-02", "2020-01-03"]).tz_localize("America/New_York").tz_convert("UTC"),
        ["2020-1-2", "2020-1-3"],
        ["2020/01/02", "2020/1/3"],
        ["2020.01.02", "20200103"],
        ["2020-01-02 15:00", "2020-01-03T15:00:00+08:00"],
        ["2020-01-02 00:00:00", "2020-01-03 00:00:00.000"],
    ],
)
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_spellings_of_days(tmp_path: Path, days: list[object], kind: str) -> None:
    path = tmp_path / f"prices.{kind}"
    write_table(pd.DataFrame({"datetime": days, "instrument": ["A", "A"], "close": [1.0, 2.0]}), path)
    assert [str(day) for day in open_market(f"{kind}:{path}").calendar.days] == ["2020-01-02", "2020-01-03"]


def test_an_unpadded_day_is_not_taken_for_another_one(tmp_path: Path) -> None:
    frame = pd.DataFrame({"date": ["2018-1-15", "2018-11-5"], "symbol": ["A", "A"], "close": [1.0, 2.0]})
    frame.to_csv(tmp_path / "prices.csv", index=False)
    assert [str(day) for day in open_market(f"csv:{tmp_path}/prices.csv").calendar.days] == [
        "2018-01-15",
        "2018-11-05",
    ]


@pytest.mark.parametrize(
    ("day", "instrument"), [("trade_date", "ts_code"), ("time", "ticker"), ("Timestamp", "Symbol"), ("day", "code")]
)
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_names_of_the_key_columns(tmp_path: Path, day: str, instrument: str, kind: str) -> None:
    path = tmp_path / f"prices.{kind}"
    write_table(pd.DataFrame({day: ["2020-01-02"], instrument: ["000001"], "close": [1.0]}), path)
    market = open_market(f"{kind}:{path}")
    assert (market.instruments, market.fields) == (("000001",), ("close",))


def test_a_common_name_gives_way_to_the_usual_one(tmp_path: Path) -> None:
    frame = pd.DataFrame({"date": ["2020-01-02"], "time": [930], "code": ["A"], "ticker": ["B"], "close": [1.0]})
    frame.to_parquet(tmp_path / "prices.parquet")
    market = open_market(f"parquet:{tmp_path}/prices.parquet")
    assert (market.instruments, market.fields) == (("A",), ("close", "time"))


def test_universes_beside_a_table(tmp_path: Path) -> None:
    long_table().to_parquet(tmp_path / "prices.parquet")
    (tmp_path / "instruments").mkdir()
    (tmp_path / "instruments" / "big.txt").write_text("000001\t2020-01-03\t2020-01-31\n")
    market = open_market(f"parquet:{tmp_path}/prices.parquet")
    assert market.universes == ("all", "big")
    assert market.membership("big").first.tolist() == [1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: pd.concat([f, f.iloc[[0]]]), "000001 has two rows on 2020-01-03$"),
        (lambda f: pd.concat([f, f]), "000001 has two rows on 2020-01-02; 4 such pairs"),
        (
            lambda f: f.drop(columns="symbol"),
            "no column instrument or symbol or code or ticker or ts_code; its columns are date, close",
        ),
        (lambda f: f.assign(datetime=f.Date), "both date and datetime"),
        (lambda f: f.assign(Date=f.Date.where(f.close > 1)), "column 'date' is empty in 2 rows"),
        (lambda f: f.assign(CLOSE=1.0), "two columns are called 'close'"),
        (lambda f: f.assign(Date="yesterday"), "column 'date'"),
    ],
)
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_wrong_tables(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str, kind: str
) -> None:
    path = tmp_path / f"prices.{kind}"
    write_table(change(long_table()), path)
    with pytest.raises(InputError, match=message):
        open_market(f"{kind}:{path}")


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \*\.parquet file"):
        open_market(f"parquet:{tmp_path}")
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(InputError, match=r"a\.parquet: not a readable Parquet file"):
        open_market(f"parquet:{tmp_path}")
    long_table().to_csv(tmp_path / "a.csv", index=False)
    long_table().drop(columns="volume").to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(InputError, match=r"b\.csv: column 'volume' is not in every file"):
        open_market(f"csv:{tmp_path}")


CALENDAR = TradingCalendar.of(np.arange("2020-01-01", "2020-01-21", 2, dtype="datetime64[D]").astype(str))
SPAN = st.tuples(st.sampled_from("ABC"), st.integers(-3, 25), st.integers(0, 12))


@given(spans=st.lists(SPAN, max_size=8), ranges=st.tuples(*[st.tuples(st.integers(0, 9), st.integers(-1, 9))] * 3))
def test_spans_become_the_same_days(spans: list[tuple[str, int, int]], ranges: tuple[tuple[int, int], ...]) -> None:
    start = np.datetime64("2020-01-01")
    first = np.array([start + begin for _, begin, _ in spans], dtype="datetime64[D]")
    last = np.array([start + begin + length for _, begin, length in spans], dtype="datetime64[D]")
    data_first, data_last = (np.array(bounds, dtype=np.int32) for bounds in zip(*ranges, strict=True))
    codes = tuple(code for code, _, _ in spans)
    members = cut_spans(Spans(codes, first, last), CALENDAR, ["A", "B", "C"], data_first, data_last)
    found = [
        (members.instruments[code], day)
        for code, begin, end in zip(members.instrument, members.first, members.last, strict=True)
        for day in range(begin, end + 1)
    ]
    expected = {
        (code, day)
        for code, begin, end in zip(codes, first, last, strict=True)
        for day in range(len(CALENDAR))
        if begin <= CALENDAR[day] <= end and data_first["ABC".index(code)] <= day <= data_last["ABC".index(code)]
    }
    assert found == sorted(expected)  # each day once, in order


@pytest.mark.shared
def test_reference_data(shared: Path) -> None:
    market = open_market(f"qlib:{shared / 'data' / 'cn_csi300'}")
    members = market.membership("csi300")
    assert (len(market.instruments), len(market.calendar)) == (725, 2674)
    assert (len(members), len(members.instruments)) == (752, 644)
    np.testing.assert_array_equal(
        market.panel("close", ["SH000300"])[0, :3], np.float32([3535.229, 3564.038, 3541.727])
    )
