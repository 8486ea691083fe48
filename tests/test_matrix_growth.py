"""Matrices that grow: days one by one, several at once and all at once give the same bits, and old bytes stay."""

from __future__ import annotations

import shutil
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from qlib_reference.bars import EXPRESSIONS, LISTED, STARTS, write_folder

from components.data import Market, open_market
from components.features import Alpha158, DataHandler, DataHandlerLP, FeatureMatrix, MatrixStore

FEATURE, LABEL = {"fields_group": "feature"}, {"fields_group": "label"}
FIT = {"fit_start_time": "2015-09-14", "fit_end_time": "2016-04-29"}
#: Number of the last day that the market has, at first and in the end.
BEFORE, AFTER = 440, 451
HANDLERS: dict[str, Callable[[], DataHandler]] = {
    "robust scores": lambda: Alpha158(
        instruments="some",
        start_time=STARTS[2],
        **FIT,
        infer_processors=[{"class": "RobustZScoreNorm", "kwargs": FEATURE}, {"class": "Fillna", "kwargs": FEATURE}],
    ),
    "rows without features dropped": lambda: Alpha158(
        instruments="some",
        start_time=STARTS[2],
        infer_processors=[
            {"class": "DropnaProcessor", "kwargs": FEATURE},
            {"class": "CSRankNorm", "kwargs": FEATURE},
        ],
    ),
    "features to learn from are others": lambda: Alpha158(
        instruments="some",
        start_time=STARTS[2],
        **FIT,
        learn_processors=[{"class": "DropnaLabel"}, {"class": "ZScoreNorm", "kwargs": FIT}],
    ),
    "rows without label stay": lambda: Alpha158(
        instruments="some", start_time=STARTS[2], learn_processors=[{"class": "Fillna"}]
    ),
    "every operator": lambda: expressions_of(EXPRESSIONS),
}


def expressions_of(texts: Sequence[str]) -> DataHandler:
    past = [text for text in texts if "-2)" not in text and "-3)" not in text]
    config = {"feature": past, "label": ["Ref($close, -2)/Ref($close, -1) - 1", "Std(Ref($close, -3), 4)"]}
    loader = {"class": "QlibDataLoader", "kwargs": {"config": config}}
    drop = [{"class": "DropnaLabel"}, {"class": "CSZScoreNorm", "kwargs": LABEL}]
    return DataHandlerLP(instruments="some", start_time=STARTS[2], data_loader=loader, learn_processors=drop)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("growth") / "whole")


def cut(whole: Path, folder: Path, last: int) -> Market:
    """The market as it was on some day. One instrument joins the universe late, one leaves it and comes back."""
    shutil.rmtree(folder, ignore_errors=True)
    days = (whole / "calendars" / "day.txt").read_text().split()
    (folder / "calendars").mkdir(parents=True)
    (folder / "instruments").mkdir()
    (folder / "calendars" / "day.txt").write_text("".join(f"{day}\n" for day in days[: last + 1]))
    every = "".join(f"{code}\t{days[first]}\t2099-12-31\n" for code, (first, _) in LISTED.items())
    (folder / "instruments" / "all.txt").write_text(every)
    late, gap, back = days[BEFORE + 4], days[BEFORE - 60], days[BEFORE + 6]
    spans = [("SH600001", days[0], "2099-12-31"), ("SH600002", late, "2099-12-31"), ("SH600003", days[0], gap)]
    spans += [
        ("SH600003", back, "2099-12-31"),
        ("SZ000001", days[0], "2099-12-31"),
        ("SZ000002", days[0], "2099-12-31"),
    ]
    (folder / "instruments" / "some.txt").write_text("".join("\t".join(span) + "\n" for span in spans))
    for source in whole.glob("features/*/*.bin"):
        target = folder / source.relative_to(whole)
        target.parent.mkdir(parents=True, exist_ok=True)
        values = array("f", source.read_bytes())
        target.write_bytes(values[: last - int(values[0]) + 2].tobytes())
    return open_market(f"qlib:{folder}")


def same(one: FeatureMatrix, other: FeatureMatrix) -> None:
    assert str(one.calendar[one.last]) == str(other.calendar[other.last])
    for ours, theirs in ((one.infer(), other.infer()), (one.learn(), other.learn())):
        pd.testing.assert_index_equal(ours.index(), theirs.index())
        np.testing.assert_array_equal(ours.X.view(np.uint32), theirs.X.view(np.uint32))
        np.testing.assert_array_equal(ours.y, theirs.y)


def settled_bytes(store: MatrixStore) -> dict[str, bytes]:
    (stored,) = store.matrices()
    return {file.name: file.read_bytes() for file in stored.folder.glob("*.bin") if "late" not in file.name}


@pytest.mark.parametrize("name", HANDLERS)
@pytest.mark.parametrize("steps", [range(BEFORE, AFTER + 1), (BEFORE, BEFORE + 5, AFTER), (BEFORE, AFTER)])
def test_appended_days_have_the_bits_of_a_build_at_once(
    name: str, steps: Sequence[int], whole: Path, tmp_path: Path
) -> None:
    handler, store = HANDLERS[name](), MatrixStore(tmp_path / "grown")
    earlier: dict[str, bytes] = {}
    names, told = set(), []
    for last in steps:
        market = cut(whole, tmp_path / "market", last)
        grown = store.open(handler, market, progress=told.append)
        now = settled_bytes(store)
        assert all(now[file].startswith(content) for file, content in earlier.items())
        earlier = now
        names.add(store.matrices()[0].folder)
    assert len(names) == 1
    same(grown, MatrixStore(tmp_path / "at_once").open(handler, market))


def test_labels_of_the_last_days_become_known(whole: Path, tmp_path: Path) -> None:
    handler, store = HANDLERS["robust scores"](), MatrixStore(tmp_path / "store")
    before = store.open(handler, cut(whole, tmp_path / "market", BEFORE))
    day = before.calendar[BEFORE]
    assert np.isnan(before.infer(day, day).y).all()
    assert before.learn().index()[-1][0] < day
    after = store.open(handler, cut(whole, tmp_path / "market", BEFORE + 2))
    assert not np.isnan(after.infer(day, day).y).all()
    assert pd.Timestamp(day) in after.learn().index().unique("datetime")
    np.testing.assert_array_equal(after.infer(day, day).X, before.infer(day, day).X)


def test_a_handler_that_ends_earlier_gets_labels_that_became_known(whole: Path, tmp_path: Path) -> None:
    store, market = MatrixStore(tmp_path / "store"), cut(whole, tmp_path / "market", BEFORE)
    day = str(market.calendar[BEFORE])
    handler = Alpha158(instruments="some", start_time=STARTS[2], end_time=day)
    assert np.isnan(store.open(handler, market).infer(day, day).y).all()
    market = cut(whole, tmp_path / "market", BEFORE + 2)
    assert not store.covers(handler, market)
    assert not np.isnan(store.open(handler, market).infer(day, day).y).all()


def test_a_mended_bar_makes_a_new_matrix_and_a_later_one_does_not(whole: Path, tmp_path: Path) -> None:
    handler, store = HANDLERS["robust scores"](), MatrixStore(tmp_path / "store")
    market = cut(whole, tmp_path / "market", BEFORE)
    old, (stored,) = store.open(handler, market), store.matrices()
    file = tmp_path / "market" / "features" / "sh600001" / "close.day.bin"
    values = array("f", file.read_bytes())
    values[300] *= 1.01
    file.write_bytes(values.tobytes())
    market = open_market(market.uri)
    assert not store.covers(handler, market)
    new = store.open(handler, market)
    (now,) = store.matrices()  # the old one is gone
    assert now.folder.name != stored.folder.name
    assert not np.array_equal(old.infer().X, new.infer().X, equal_nan=True)


def test_files_that_are_only_touched_or_copied_change_nothing(whole: Path, tmp_path: Path) -> None:
    handler, store = HANDLERS["robust scores"](), MatrixStore(tmp_path / "store")
    store.open(handler, cut(whole, tmp_path / "market", BEFORE))
    assert store.covers(handler, cut(whole, tmp_path / "elsewhere", BEFORE))
    (tmp_path / "market" / "features" / "sh600001" / "close.day.bin").touch()
    assert store.covers(handler, open_market(f"qlib:{tmp_path / 'market'}"))


def test_markets_do_not_take_each_others_matrix(whole: Path, tmp_path: Path) -> None:
    handler, store = HANDLERS["robust scores"](), MatrixStore(tmp_path / "store")
    markets = [cut(whole, tmp_path / "market", BEFORE), cut(whole, tmp_path / "other", BEFORE - 20)]
    for market in markets:
        store.open(handler, market)
    assert [store.covers(handler, market) for market in markets] == [True, True]
    assert len(store.matrices()) == 2


@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_matrix_that_cannot_go_on_is_built_anew(how: str, whole: Path, tmp_path: Path) -> None:
    handler, store = HANDLERS["robust scores"](), MatrixStore(tmp_path / "store")
    store.open(handler, cut(whole, tmp_path / "market", BEFORE))
    (memory,) = store.matrices()[0].folder.glob("memory-*.npz")
    if how == "gone":
        memory.unlink()
    else:
        memory.write_bytes(memory.read_bytes()[:-100])
    market = cut(whole, tmp_path / "market", AFTER)
    same(store.open(handler, market), MatrixStore(tmp_path / "at_once").open(handler, market))
    assert len(store.matrices()) == 1


def test_a_writer_that_is_killed_while_days_are_appended_leaves_the_matrix_as_it_was(
    whole: Path, tmp_path: Path
) -> None:
    handler, store = HANDLERS["robust scores"](), MatrixStore(tmp_path / "store")
    market = cut(whole, tmp_path / "market", BEFORE)
    expected = store.open(handler, market).infer().X.copy()
    (stored,) = store.matrices()
    for file in stored.folder.glob("*.bin"):
        with file.open("ab") as end:
            end.write(b"half a row")
    np.testing.assert_array_equal(MatrixStore(tmp_path / "store").open(handler, market).infer().X, expected)
    market = cut(whole, tmp_path / "market", AFTER)
    same(store.open(handler, market), MatrixStore(tmp_path / "at_once").open(handler, market))
    assert store.matrices()[0].folder == stored.folder
