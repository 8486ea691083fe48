"""CSV and Parquet tables."""

from __future__ import annotations

import decimal
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wrong_inputs.case import CONFIG, Case, Prepare, changed, write_config

Change = Callable[[pd.DataFrame], Any]


def right() -> pd.DataFrame:
    """A table of ten instruments over two years that nothing is wrong with."""
    days = pd.bdate_range("2015-01-01", "2016-12-31")
    codes = [f"SH{600000 + number}" for number in range(10)]
    index = pd.MultiIndex.from_product([days, codes], names=["date", "instrument"])
    random = np.random.default_rng(7)
    moves = random.normal(0, 0.02, (len(days), len(codes)))
    close = (10 * np.exp(np.cumsum(moves, axis=0))).ravel()
    frame = pd.DataFrame({"open": close * 0.99, "close": close, "volume": 1e6}, index=index)
    return frame.reset_index()


def _config(data: str) -> Prepare:
    return write_config(changed("data", data, CONFIG))


def _csv(name: str, says: str, change: Change) -> Case:
    """A CSV file of the right table after a change, or of the text or bytes that it gives."""

    def prepare(folder: Path) -> None:
        _config("csv:prices.csv")(folder)
        content = change(frame := right())
        if isinstance(content, str | bytes):
            (folder / "prices.csv").write_bytes(content.encode() if isinstance(content, str) else content)
        else:
            (frame if content is None else content).to_csv(folder / "prices.csv", index=False)

    return Case(name=f"csv: {name}", says=says, prepare=prepare)


def _parquet(name: str, says: str, change: Change) -> Case:
    def prepare(folder: Path) -> None:
        _config("parquet:prices.parquet")(folder)
        content = change(frame := right())
        if isinstance(content, bytes):
            (folder / "prices.parquet").write_bytes(content)
        else:
            (frame if content is None else content).to_parquet(folder / "prices.parquet", index=False)

    return Case(name=f"parquet: {name}", says=says, prepare=prepare)


def _file(name: str, says: str, uri: str, make: Prepare) -> Case:
    def prepare(folder: Path) -> None:
        _config(uri)(folder)
        make(folder)

    return Case(name=name, says=says, prepare=prepare)


def _days(write: Callable[[pd.Series], Any]) -> Change:
    return lambda frame: frame.assign(date=write(frame["date"]))


def _one(column: str, value: Any, row: int = 2500) -> Change:
    """The right table with another value in one row."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].astype(object)
        values[row] = value
        return frame.assign(**{column: values})

    return change


def _text(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False)


def _twice(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[[17]]])


def _half_lower(frame: pd.DataFrame) -> pd.DataFrame:
    lower = frame["instrument"].where(frame["date"] < "2016-01-01", frame["instrument"].str.lower())
    return frame.assign(instrument=lower)


def _shanghai(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(date=frame["date"].dt.tz_localize("Asia/Shanghai").dt.tz_convert("UTC"))


def _folder_with(second: Change) -> Prepare:
    def make(folder: Path) -> None:
        (folder / "prices").mkdir()
        frame = right()
        frame.to_csv(folder / "prices" / "a.csv", index=False)
        second(frame).to_csv(folder / "prices" / "b.csv", index=False)

    return make


def _link(folder: Path) -> None:
    (folder / "prices.csv").symlink_to("prices.csv")


def _universe_that_is_a_pipe(folder: Path) -> None:
    (folder / "prices" / "instruments").mkdir(parents=True)
    right().to_csv(folder / "prices" / "a.csv", index=False)
    os.mkfifo(folder / "prices" / "instruments" / "csi300.txt")


CASES = [
    # what is no table at all
    _csv("empty file", "not a readable CSV file", lambda _: ""),
    _csv("only a header", "column 'date' is empty", lambda _: "date,instrument,close\n"),
    _csv("one word", "prices.csv", lambda _: "hello"),
    _csv("no column of days", "no column date or datetime or trade_date", lambda f: f.drop(columns="date")),
    _csv("no column of instruments", "no column instrument or symbol", lambda f: f.drop(columns="instrument")),
    _csv("two columns of days", "both date and datetime", lambda f: f.assign(datetime=f["date"])),
    _csv("two columns of instruments", "both instrument and code", lambda f: f.assign(code=f["instrument"])),
    _csv("a column twice", "two columns are called 'close'", lambda f: f.assign(Close=f["close"])),
    _csv("no numbers", "no column with numbers", lambda f: f[["date", "instrument"]]),
    _csv(
        "UTF-16, as Excel writes it",
        "prices.csv: not text in UTF-8; save it as CSV UTF-8",
        lambda f: _text(f).encode("utf-16"),
    ),
    _csv("Latin 1", "not text in UTF-8", lambda f: _text(f).replace("open", "geöffnet").encode("latin-1")),
    _csv("zero bytes", "prices.csv", lambda _: b"\x00" * 5000),
    _csv("a line too long", "not a readable CSV file", lambda f: _text(f) + "2017-01-02,SH600000,1,2,3,4,5\n"),
    _csv("a line too short", "not a readable CSV file", lambda f: _text(f) + "2017-01-02,SH600000\n"),
    _csv(
        "semicolons", "its columns are date;instrument;open;close;volume", lambda f: f.to_csv(index=False, sep=";")
    ),
    _csv("tabs", "no column date", lambda f: f.to_csv(index=False, sep="\t")),
    _csv(
        "a wide table",
        "no column instrument",
        lambda f: f.pivot(index="date", columns="instrument", values="close").reset_index(),
    ),
    _csv("Parquet inside", "prices.csv", lambda f: f.to_parquet(index=False)),
    _file("csv: a folder without one", "holds no *.csv file", "csv:prices", lambda f: (f / "prices").mkdir()),
    _file(
        "csv: a pipe",
        "prices.csv is neither a file nor a folder",
        "csv:prices.csv",
        lambda f: os.mkfifo(f / "prices.csv"),
    ),
    _file("csv: a device", "/dev/zero is neither a file nor a folder", "csv:/dev/zero", lambda _: None),
    _file("csv: a circle of links", "prices.csv", "csv:prices.csv", _link),
    _file(
        "csv: a folder called so",
        "a.csv is not a file",
        "csv:prices",
        lambda f: (f / "prices" / "a.csv").mkdir(parents=True),
    ),
    _file(
        "csv: a pipe in a folder",
        "a.csv is not a file",
        "csv:prices",
        lambda f: (f / "prices").mkdir() or os.mkfifo(f / "prices" / "a.csv"),
    ),
    _file(
        "csv: a universe that is a pipe",
        "csi300.txt is not a file",
        "csv:prices",
        _universe_that_is_a_pipe,
    ),
    _file(
        "csv: files of other columns",
        "column 'volume' is not in every file",
        "csv:prices",
        _folder_with(lambda f: f.drop(columns="volume")),
    ),
    _file("csv: the same rows in two files", "has two rows on 2015-01-01", "csv:prices", _folder_with(lambda f: f)),
    _parquet("a text", "not a readable Parquet file", lambda _: b"date,instrument\n"),
    _parquet("cut off", "not a readable Parquet file", lambda f: f.to_parquet(index=False)[:-200]),
    _parquet(
        "damaged in the middle",
        "prices.parquet",
        lambda f: (b := f.to_parquet(index=False))[:600] + b"\xff" * 3000 + b[3600:],
    ),
    _parquet("empty", "not a readable Parquet file", lambda _: b""),
    _parquet("no rows", "column 'date' is empty", lambda f: f.iloc[:0]),
    _parquet("no column of days", "no column date or datetime or trade_date", lambda f: f.drop(columns="date")),
    _parquet(
        "a wide table",
        "no column instrument",
        lambda f: f.pivot(index="date", columns="instrument", values="close").reset_index(),
    ),
    # days
    _csv("one unpadded day", "SH600000 has two rows on 2015-01-05", _one("date", "2015-1-5", 30)),
    _csv(
        "days of the United States",
        "column 'date' in line 2 of prices.csv holds '01/01/2015', which is not a day; write YYYY-MM-DD",
        _days(lambda d: d.dt.strftime("%m/%d/%Y")),
    ),
    _csv("German days", "holds '01.01.2015', which is not a day", _days(lambda d: d.dt.strftime("%d.%m.%Y"))),
    _csv("days of two digits", "holds '15-01-01', which is not a day", _days(lambda d: d.dt.strftime("%y-%m-%d"))),
    _csv("months", "holds '2015-01', which is not a day", _days(lambda d: d.dt.strftime("%Y-%m"))),
    _csv(
        "a day that is none",
        "in line 2502 of prices.csv holds '2015-02-30', a day that there is not",
        _one("date", "2015-02-30"),
    ),
    _csv("a month 13", "holds '2015-13-01', a day that there is not", _one("date", "2015-13-01")),
    _csv("no day in one row", "column 'date' is empty in 1 row", _one("date", None)),
    _csv("the word NaT", "line 2502 of prices.csv holds 'NaT'", _one("date", "NaT")),
    _csv("a word", "holds 'yesterday', which is not a day", _one("date", "yesterday")),
    _csv(
        "seconds since 1970", "holds '1420070400', which is not a day", _days(lambda d: d.astype("int64") // 10**6)
    ),
    _csv(
        "rubbish after the day",
        "holds '2015-01-01xyz', which is not a day",
        _days(lambda d: d.dt.strftime("%Y-%m-%dxyz")),
    ),
    _csv("five-digit year", "holds '02015-01-01', which is not a day", _days(lambda d: d.dt.strftime("0%Y-%m-%d"))),
    _csv(
        "one row in 1677",
        "line 2502 of prices.csv has 1677-09-22, more than 20 years from the next day, 2015-01-01",
        _one("date", "1677-09-22"),
    ),
    _csv(
        "one row in 2199",
        "has 2199-01-01, more than 20 years from the next day, 2016-12-30",
        _one("date", "2199-01-01"),
    ),
    _csv(
        "an hour of the day",
        "SH600000 has two rows on 2015-01-01",
        lambda f: pd.concat([f, f]).assign(
            date=lambda g: [f"{d:%Y-%m-%d} {'10' if i < len(f) else '11'}:00:00" for i, d in enumerate(g["date"])]
        ),
    ),
    _parquet(
        "midnight in Shanghai stored as UTC",
        "has the times 16:00 on Sundays and none on a Friday: a time zone has moved the days",
        _shanghai,
    ),
    _parquet(
        "midnight in Shanghai stored without zone",
        "has the times 16:00 on Sundays and none on a Friday",
        lambda f: f.assign(date=_shanghai(f)["date"].dt.tz_localize(None)),
    ),
    _csv(
        "midnight in Shanghai as text",
        "has the times 16:00 on Sundays and none on a Friday",
        lambda f: f.assign(date=_shanghai(f)["date"].dt.strftime("%Y-%m-%d %H:%M:%S")),
    ),
    _parquet("nanoseconds since 1970", "not a day; write YYYY-MM-DD", _days(lambda d: d.astype("int64"))),
    _parquet(
        "days as floats", "column 'date' holds double", _days(lambda d: d.dt.strftime("%Y%m%d").astype(float))
    ),
    _parquet("days as booleans", "column 'date' holds bool", _days(lambda d: d.dt.day > 5)),
    _parquet(
        "whole numbers that are no days",
        "column 'date' in row 1 holds '20151301', a day that there is not",
        _days(lambda d: d.dt.strftime("%Y1301").astype(int)),
    ),
    _parquet(
        "a missing day", "column 'date' is empty in 1 row", lambda f: f.assign(date=f["date"].mask(f.index == 5))
    ),
    # instruments
    _csv("no instrument in one row", "column 'instrument' is empty in 1 row", _one("instrument", None)),
    _csv("a blank after a code", "holds 'SH600000 ', which has a blank at an end", _one("instrument", "SH600000 ")),
    _csv(
        "a blank before all codes",
        "holds ' SH600000', which has a blank",
        lambda f: f.assign(instrument=" " + f["instrument"]),
    ),
    _csv(
        "half of the codes in lower case",
        "holds 'sh600000', but elsewhere 'SH600000'; write an instrument alike everywhere",
        _half_lower,
    ),
    _csv(
        "one code in lower case",
        "line 2505 of prices.csv holds 'sh600003', but elsewhere 'SH600003'",
        _one("instrument", "sh600003", 2503),
    ),
    _csv("a row twice", "SH600007 has two rows on 2015-01-02", _twice),
    _csv("a tab in a code", "has a blank", _one("instrument", "SH\t600000")),
    _parquet(
        "floats as codes",
        "column 'instrument' holds double",
        lambda f: f.assign(instrument=f["instrument"].str[2:].astype(float)),
    ),
    _parquet("a missing instrument", "column 'instrument' is empty in 1 row", _one("instrument", None)),
    _parquet(
        "lists as codes",
        "column 'instrument' holds list",
        lambda f: f.assign(instrument=[[code] for code in f["instrument"]]),
    ),
    # values
    _csv("close as text", "$close: the column is there, but holds text ('--'", _one("close", "--")),
    _csv(
        "close in a currency",
        "$close: the column is there, but holds text ('1,234 CNY'",
        _one("close", "1,234 CNY"),
    ),
    _csv(
        "close with commas",
        "$close: the column is there, but holds text",
        lambda f: f.assign(close=(f["close"] * 1000).map("{:,.2f}".format)),
    ),
    _parquet(
        "close as text",
        "$close: the column is there, but holds text",
        lambda f: f.assign(close=f["close"].astype(str)),
    ),
    _parquet(
        "close as Decimal",
        "$close: the column is there, but holds decimal",
        lambda f: f.assign(close=[decimal.Decimal(f"{value:.2f}") for value in f["close"]]),
    ),
    _parquet(
        "close as booleans",
        "$close: the column is there, but holds bool",
        lambda f: f.assign(close=f["close"] > 10),
    ),
    _parquet(
        "close as times", "$close: the column is there, but holds timestamp", lambda f: f.assign(close=f["date"])
    ),
    _csv("no close", "no field $close", lambda f: f.drop(columns="close")),
    _csv("close called Last", "no field $close in", lambda f: f.rename(columns={"close": "Last"})),
    _csv("close is empty", "$close has no value", lambda f: f.assign(close=np.nan)),
    _csv("close is 0", "$close is 0 or below in 5220 of 5220 rows", lambda f: f.assign(close=0.0)),
    _csv(
        "close is 0 in most rows",
        "$close is 0 or below in 4698 of 5220 rows",
        lambda f: f.assign(close=f["close"].where(f.index % 10 == 0, 0)),
    ),
    _csv("close is negative", "$close is 0 or below in 5220 of 5220 rows", lambda f: f.assign(close=-f["close"])),
    _csv("close is infinite in all rows", "$close is infinite", lambda f: f.assign(close=np.inf)),
    _csv(
        "close is infinite in one row",
        "$close is infinite in 1 row, such as SH600000 on 2015-12-17",
        _one("close", np.inf),
    ),
    _csv("close is too large for 32 bits", "$close is infinite", _one("close", 1e300)),
    # other files beside it
    _file(
        "csv: a broken universe beside it",
        "top.txt line 1: expected code TAB first day TAB last day",
        "csv:prices.csv",
        lambda f: (
            right().to_csv(f / "prices.csv", index=False)
            or (f / "instruments").mkdir()
            or _universe(f, "SH600000 2015-01-01\n")
        ),
    ),
    _file(
        "csv: a universe with other codes",
        "universe 'top': none of its 1 instruments is in",
        "csv:prices.csv",
        lambda f: (
            right().to_csv(f / "prices.csv", index=False)
            or (f / "instruments").mkdir()
            or _universe(f, "600000.SH\t2015-01-01\t2016-12-31\n")
        ),
    ),
]


def _universe(folder: Path, text: str) -> None:
    (folder / "instruments" / "top.txt").write_text(text)
    write_config(
        changed("task.dataset.kwargs.handler.kwargs.instruments", "top", changed("data", "csv:prices.csv"))
    )(folder)
