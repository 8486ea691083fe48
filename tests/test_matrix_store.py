"""The store of matrices: built once, whoever asks, and never half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_matrices import DROP, FEATURES, LABEL, URI, frame_of, handler, open_matrix

from components.data import Market, open_market
from components.errors import InputError, RollflowError
from components.features import Alpha158, DataHandler, DataHandlerLP, MatrixStore, matrix_files, matrix_key
from components.features.processors import Transform
from components.features.rows import RowIndex


@pytest.fixture(scope="module")
def market() -> Market:
    return open_market(URI)


def test_a_covering_matrix_is_reused(tmp_path: Path, market: Market) -> None:
    store, built = MatrixStore(tmp_path), []
    for end in ("2016-06-30", "2016-12-30", "2016-03-31"):
        wanted = handler(end_time=end)
        covered = store.covers(wanted, market)
        matrix = store.open(wanted, market, progress=built.append)
        assert covered == (end == "2016-03-31")
        assert str(matrix.calendar[matrix.last]) == end
        assert matrix.infer().index()[-1][0] == pd.Timestamp(end)
    assert built == [
        "labels of 9,240 rows",
        "3 features of 9,240 rows",
        "labels of 3,023 rows",
        "3 features of 3,023 rows",
    ]
    assert len(list(tmp_path.glob("*/*"))) == 1  # it has grown
    with pytest.raises(InputError, match=r"no day from 2016-06-01 to the last day is among the handler's"):
        matrix.learn("2016-06-01")


def test_fit_days_are_part_of_the_key(tmp_path: Path, market: Market) -> None:
    scaled = {"class": "ZScoreNorm", "kwargs": {"fit_start_time": "2015-01-01", "fit_end_time": "2015-12-31"}}
    later = {"class": "ZScoreNorm", "kwargs": {"fit_start_time": "2015-01-01", "fit_end_time": "2016-03-31"}}
    store = MatrixStore(tmp_path)
    store.open(handler(infer_processors=[scaled]), market)
    assert store.covers(handler(infer_processors=[scaled], end_time="2016-06-30"), market)
    assert not store.covers(handler(infer_processors=[later]), market)
    # a handler that ends within the days to fit on has fewer of them, and so another matrix
    assert not store.covers(handler(infer_processors=[scaled], end_time="2015-06-30"), market)


@dataclass(frozen=True, slots=True)
class Times(Transform):
    """A processor of a user's own, with slots."""

    factor: float

    def transform(self, values: np.ndarray, starts: np.ndarray, columns: np.ndarray) -> None:
        values[:, columns] *= self.factor


class Limits(Transform):
    """A processor that keeps what cannot be a part of a key."""

    def __init__(self) -> None:
        self.limits = np.array([-3.0, 3.0])

    def transform(self, values: np.ndarray, starts: np.ndarray, columns: np.ndarray) -> None:
        np.clip(values, *self.limits, out=values)


def test_arguments_of_own_processors_are_part_of_the_key(market: Market) -> None:
    plain = DataHandler(
        instruments="all", start_time=None, end_time=None, features={"C": "$close"}, labels={"L": "Ref($close, -1)"}
    )
    keys = {matrix_key(replace(plain, infer_processors=(Times(factor),)), market) for factor in (1.0, 2.0)}
    assert len(keys) == 2
    with pytest.raises(InputError, match=r"Limits: its attributes must be plain values.*ndarray"):
        matrix_key(replace(plain, infer_processors=(Limits(),)), market)


def broken(folder: Path, how: str) -> None:
    X = folder / "learnable.X.bin"
    if how == "cut":
        os.truncate(X, X.stat().st_size - 4)
    elif how == "page":  # as after a power loss: one page of many is not what was written
        with X.open("r+b") as file:
            file.seek(X.stat().st_size // 2 // 4096 * 4096)
            file.write(bytes(4096))
    elif how == "order":
        days = np.fromfile(folder / "learnable.day.bin", dtype="<i4")
        days[::-1].tofile(folder / "learnable.day.bin")
    elif how == "description":
        (folder / "matrix.json").write_text("{")
    else:
        (folder / how).unlink()


@pytest.mark.parametrize(
    "how", ["cut", "page", "order", "description", "matrix.json", "learnable.X.bin", "other.instrument.bin"]
)
def test_a_broken_matrix_is_built_anew(tmp_path: Path, market: Market, how: str) -> None:
    expected = frame_of(open_matrix(tmp_path, market).infer())
    (folder,) = tmp_path.glob("*/*")
    broken(folder, how)
    assert not MatrixStore(tmp_path).covers(handler(), market)
    pd.testing.assert_frame_equal(frame_of(open_matrix(tmp_path, market).infer()), expected)
    assert len(list(tmp_path.glob("*/*"))) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_matrix_is_on_the_disk_before_it_counts(
    tmp_path: Path, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[tuple[str, bool]] = []
    fsync = os.fsync

    def seen(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        flushed.append((path.name, any(tmp_path.glob("*/*/matrix.json"))))
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", seen)
    open_matrix(tmp_path, market)
    (folder,) = tmp_path.glob("*/*")
    before = {name for name, counts in flushed if not counts}
    after = [name for name, counts in flushed if counts]
    assert {path.name for path in folder.glob("*.bin")} <= before
    assert any(name.startswith("matrix.json.") for name in before)  # its draft
    assert after[-1] == folder.parent.name  # which has the new entry


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write to the folder; root, who always may, is somebody else meanwhile, to whom the way is open."""
    user = os.geteuid()
    temporary = Path(tempfile.gettempdir()).resolve()
    way = [place for place in folder.resolve().parents if user == 0 and temporary in place.parents]
    modes = {place: place.stat().st_mode for place in (folder, *folder.rglob("*"), *way)}
    try:
        for place, mode in modes.items():
            place.chmod(mode | 0o055 if place in way else 0o555 if place.is_dir() else 0o444)
        if user == 0:
            os.seteuid(65534)
        yield
    finally:
        os.seteuid(user)
        for place, mode in modes.items():
            place.chmod(mode)


def test_a_read_only_folder_serves_what_it_has(tmp_path: Path, market: Market) -> None:
    folder = tmp_path / "shared"
    expected = len(open_matrix(folder, market).learn())
    with read_only(folder):
        assert len(open_matrix(folder, market).learn()) == expected
        refusal = f"{folder} cannot be written to .Permission denied.; it lacks a matrix"
        with pytest.raises(RollflowError, match=refusal):
            open_matrix(folder, market, instruments="all")


class Every7thRow(DataHandlerLP):
    """A handler with rows of its own choice."""

    def rows(self, market: Market) -> RowIndex:
        return super().rows(market).take(slice(None, None, 7))


def test_a_handler_with_rows_of_its_own_gets_its_own_matrix(tmp_path: Path, market: Market) -> None:
    loader = {"class": "QlibDataLoader", "kwargs": {"config": {"feature": FEATURES, "label": LABEL}}}
    some = Every7thRow(instruments="demo", learn_processors=[DROP], data_loader=loader)
    store = MatrixStore(tmp_path)
    every, few = store.open(handler(), market), store.open(some, market)
    assert len(few) == -(-len(every) // 7)
    assert len(store.open(handler(), market)) == len(every)


def test_work_is_stopped_between_pieces(tmp_path: Path, market: Market) -> None:
    class Stop(Exception):
        pass

    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise Stop

    store = MatrixStore(tmp_path)
    with pytest.raises(Stop):
        store.open(handler(), market, check=check)
    assert len(calls) == 2
    assert not list(tmp_path.glob("*/*"))
    assert len(store.open(handler(), market).learn()) > 0


def test_a_limit_is_kept_after_each_build(tmp_path: Path, market: Market) -> None:
    store = MatrixStore(tmp_path, limit=1)
    for universe in ("demo", "all"):
        assert len(store.open(handler(instruments=universe), market).learn()) > 0
    assert [stored.universe for stored in store.matrices()] == ["all"]


def test_pruning_deletes_what_was_not_used_for_longest(tmp_path: Path, market: Market) -> None:
    store = MatrixStore(tmp_path)
    universes = ("all", "demo", ("DEMO001", "DEMO002"))
    for age, universe in enumerate(universes):
        matrix = store.open(handler(instruments=universe), market)
        (folder,) = (path for path in tmp_path.glob("*/*") if time.time() - path.stat().st_mtime < 1000)
        os.utime(folder, (1e9 - age, 1e9 - age))
    store.open(handler(instruments="demo"), market)  # used now; the list is the oldest
    size = store.size()
    (tmp_path / ("0" * 64) / "building-1").mkdir(parents=True)
    (tmp_path / f"{'0' * 64}.lock").touch()
    store.prune(size - 1)
    assert [store.covers(handler(instruments=universe), market) for universe in universes] == [True, True, False]
    store.prune(0)
    assert store.size() == 0
    assert not list(tmp_path.glob("*/*"))
    assert len(matrix.learn()) > 0  # what is mapped stays


def test_a_full_disk_is_said_and_leaves_nothing(
    tmp_path: Path, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(matrix_files.os, "posix_fallocate", full)
    with pytest.raises(RollflowError, match=r"no room for a feature matrix .*: No space left on device"):
        open_matrix(tmp_path, market)
    assert not list(tmp_path.glob("*/*"))


BUILD = f"""
import sys, time
from pathlib import Path
from components.data import open_market
from components.features import Alpha158, MatrixStore, building
if sys.argv[2:] == ["slowly"]:
    evaluate = building.evaluate
    def slow(*args, **kwargs):
        evaluate(*args, **kwargs)
        if args[3].shape[1] > 1:
            print("written", flush=True)
            time.sleep(60)
    building.evaluate = slow
steps = []
store, market = MatrixStore(Path(sys.argv[1])), open_market({URI!r})
matrix = store.open(Alpha158(instruments="demo"), market, progress=steps.append)
print(any(step.startswith("labels") for step in steps), len(matrix.learn()))
"""


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BUILD, str(folder), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.acceptance
def test_four_processes_build_once(tmp_path: Path) -> None:
    answers = [process.communicate(timeout=60)[0].split() for process in [start(tmp_path) for _ in range(4)]]
    assert sorted(built for built, _ in answers) == ["False", "False", "False", "True"]
    assert len({rows for _, rows in answers}) == 1


@pytest.mark.acceptance
def test_a_killed_build_is_not_taken_for_complete(tmp_path: Path, market: Market) -> None:
    process = start(tmp_path, "slowly")
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (rubbish,) = tmp_path.glob("*/*")
    store = MatrixStore(tmp_path)
    assert not store.covers(Alpha158(instruments="demo"), market)
    assert len(store.open(Alpha158(instruments="demo"), market).learn()) > 0
    assert not rubbish.exists()
