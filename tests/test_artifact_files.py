"""Artifacts as files: whole or not there, found again in a home that has moved, and never outside of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_tasks import CONFIG

from components.data import Market
from components.errors import InputError, Unavailable
from components.features import MatrixStore
from components.formats.objects import save_json
from components.tasks import TrainingTask
from components.tracking import (
    ArtifactBroken,
    ArtifactMissing,
    ExperimentManager,
    Recorder,
    RunStatus,
    load_model,
    load_task,
    open_store,
)
from components.training import open_dataset, train_task

INDEX = pd.MultiIndex.from_product(
    [pd.bdate_range("2020-01-01", periods=40), [f"S{number:03}" for number in range(50)]],
    names=["datetime", "instrument"],
)
SCORES = pd.DataFrame({"score": np.random.default_rng(7).normal(size=len(INDEX))}, index=INDEX)


@pytest.fixture
def recorder(experiments: ExperimentManager, request: pytest.FixtureRequest) -> Recorder:
    return experiments.start(experiments.get_or_create("files"), request.node.name)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


#: Writes to a run, and says so; until its input ends.
WRITER = """
import sys
from pathlib import Path
from components.tracking import open_store
with open_store(None, Path(sys.argv[1])).recorder(sys.argv[2]).artifacts() as draft:
    (draft / "half.txt").write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
"""


# --- Writing ------------------------------------------------------------------------------------------------------


def test_what_a_killed_writer_left_goes_when_its_run_is_closed(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    recorder = store.start(store.get_or_create("files"), "run")
    command = [sys.executable, "-c", WRITER, str(tmp_path), recorder.id]
    with ExitStack() as stack:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        dead, alive = (stack.enter_context(subprocess.Popen(command, **pipes)) for _ in range(2))  # type: ignore[call-overload]
        assert [writer.stdout.readline() for writer in (dead, alive)] == [b"writing\n"] * 2
        dead.kill()
        dead.wait()
        (written,) = {path.parent.parent for path in tmp_path.rglob("half.txt")}
        recorder.end(RunStatus.KILLED)
        assert [Path(file).name for file in files(written) if not file.endswith(".lock")] == ["half.txt"]
        alive.communicate(timeout=60)
    recorder.end(RunStatus.KILLED)
    assert files(written) == ["artifacts/half.txt"]


def test_artifacts_are_on_the_disk_before_they_are_there(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[tuple[str, bool]] = []
    fsync = os.fsync

    def seen(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        flushed.append((path.name, "artifacts" in recorder_folder(recorder)))
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", seen)
    with recorder.artifacts() as folder:
        (folder / "tables").mkdir()
        save_json({}, folder / "task.json")
        save_json({}, folder / "tables" / "more.json")
    before = [name for name, there in flushed if not there]
    after = [name for name, there in flushed if there]
    assert before[:3] == ["more.json", "task.json", "tables"]
    assert before[3].startswith("draft-")
    assert after == [recorder.id]  # the folder that has the new entry


def recorder_folder(recorder: Recorder) -> list[str]:
    folder = Path(recorder.artifact_uri.removeprefix("file://")).parent  # type: ignore[union-attr]
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_a_second_write_replaces_files_one_by_one_as_a_whole(recorder: Recorder) -> None:
    def write(number: int) -> None:
        with recorder.artifacts() as folder:
            (folder / "large.bin").write_bytes(bytes([number]) * 4_000_000)

    write(0)
    recorder.save_object("kept.json", 1)
    stop = threading.Event()
    seen: set[tuple[int, ...]] = set()

    def read() -> None:
        while not stop.is_set():
            content = recorder.download("large.bin").read_bytes()
            seen.add((len(content), *set(content)))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 30):
            write(number)
    finally:
        stop.set()
        reader.join()
    assert len(seen) > 1
    assert [each for each in seen if each[0] != 4_000_000 or len(each) != 2] == []
    assert sorted(recorder.list_artifacts()) == ["kept.json", "large.bin"]
    assert recorder_folder(recorder) == ["artifacts"]  # no draft is left


def test_a_full_disk_may_be_mended(recorder: Recorder) -> None:
    def fill() -> None:
        with recorder.artifacts() as folder:
            (folder / "full").symlink_to("/dev/full")
            (folder / "full").write_bytes(b"x" * 10_000)

    with pytest.raises(Unavailable, match=r"artifacts cannot be used now: No space left on device"):
        fill()
    assert recorder.list_artifacts() == []


# --- What cannot be read back -------------------------------------------------------------------------------------


def damage(recorder: Recorder, name: str, how: str) -> None:
    path = recorder.download(name)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    match how:
        case "empty":
            path.write_bytes(b"")
        case "cut off":
            path.write_bytes(content[:middle])
        case "one wrong bit":
            content[middle + middle // 4] ^= 1
            path.write_bytes(content)
        case "gone":
            path.unlink()


@pytest.mark.parametrize("how", ["empty", "cut off", "one wrong bit", "gone"])
def test_a_damaged_table_is_told(recorder: Recorder, how: str) -> None:
    recorder.save_object("pred.parquet", SCORES)
    assert recorder.unreadable(["pred.parquet"]) is None
    damage(recorder, "pred.parquet", how)
    kind = ArtifactMissing if how == "gone" else ArtifactBroken
    with pytest.raises(kind) as error:
        recorder.load_table("pred")
    assert type(error.value) is kind
    what = "has no artifact 'pred.parquet'" if how == "gone" else "artifact 'pred.parquet' cannot be read"
    assert what in str(error.value)
    if how != "one wrong bit":  # which only shows when the whole table is read
        assert what in str(recorder.unreadable(["pred.parquet"]))


def test_a_damaged_table_without_days_is_told(recorder: Recorder) -> None:
    recorder.save_object("risk.parquet", SCORES.reset_index(drop=True))
    damage(recorder, "risk.parquet", "one wrong bit")
    with pytest.raises(ArtifactBroken, match=r"artifact 'risk\.parquet' cannot be read"):
        recorder.load_table("risk")


@pytest.mark.parametrize("how", ["empty", "cut off"])
def test_a_damaged_document_is_told(recorder: Recorder, how: str) -> None:
    recorder.save_object("task.json", {"a": [1, 2, 3]})
    damage(recorder, "task.json", how)
    with pytest.raises(ArtifactBroken, match=r"artifact 'task\.json' cannot be read"):
        recorder.load_json("task")


# --- Names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["/x", "../x", ".", "..", "a/../../b", "a/b", "~", "x" * 500, "ü 市场", "<b>", "C:\\x", "plain 1.5"],
    ids=repr,
)
def test_artifacts_of_any_name_stay_below_the_home(name: str, local: ExperimentManager) -> None:
    recorder = local.start(local.get_or_create(name), "run")
    recorder.save_object("task.json", {"name": name})
    root = local.store.artifacts
    assert root
    assert recorder.download("task.json").resolve().parents[2].parent == root
    assert local.recorder(recorder.id).load_json("task") == {"name": name}
    assert local.experiment(name).name == name


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> ExperimentManager:
    return open_store(None, tmp_path_factory.mktemp("names"))


def test_names_that_differ_have_folders_that_differ(local: ExperimentManager) -> None:
    runs = [local.start(local.get_or_create(name), "run") for name in ("a b", "a-b", "a/b", "a\\b", "A/b", "a//b")]
    for number, run in enumerate(runs):
        run.save_object("task.json", number)
    folders = {run.download("task.json").parents[2] for run in runs}
    assert len(folders) == len(runs)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Invalid experiment name: ''"),
        ("x" * 501, "exceeds the maximum length of 500"),
        ("two\nlines", r"'two\\nlines': a name has no line breaks or other control characters"),
        ("nul\0", "a name has no line breaks or other control characters"),
        ("half \ud800", "a name has no line breaks or other control characters"),
    ],
)
def test_names_that_are_none_are_refused_in_one_line(local: ExperimentManager, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        local.get_or_create(name)
    assert "\n" not in str(refused.value)


def test_paths_of_artifacts_stay_within_the_run(recorder: Recorder) -> None:
    recorder.save_object("task.json", 1)
    for path in ("../../secret.json", "/etc/hostname"):
        with pytest.raises(ArtifactMissing, match="give a path within the run"):
            recorder.download(path)


# --- Another home -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_a_home_can_be_moved(tmp_path: Path, how: str) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    before = open_store(None, old)
    experiment = before.get_or_create("a/b")
    run = before.start(experiment, "run")
    run.save_object("pred.parquet", SCORES)
    before.get_or_create("without runs")
    before.client._tracking_client.store._dispose_engine()
    (shutil.move if how == "moved" else shutil.copytree)(old, new)

    after = open_store(None, new)
    (listed,) = after.runs(experiment)
    for recorder in (after.recorder(run.id), after.recorder(listed)):
        pd.testing.assert_frame_equal(recorder.load_table("pred"), SCORES, check_index_type=False, check_freq=False)
        assert recorder.list_artifacts() == ["pred.parquet"]
        assert recorder.download("pred.parquet").is_relative_to(new)
    kept = files(old) if how == "copied" else None
    after.recorder(run.id).save_object("more.json", 1)
    for name in ("a/b", "without runs"):
        fresh = after.start(after.get_or_create(name), "later")
        fresh.save_object("task.json", name)
        assert fresh.download("task.json").is_relative_to(new)
        assert after.recorder(fresh.id).load_json("task") == name
    if how == "moved":
        assert not old.exists()
    else:
        assert files(old) == kept


def test_what_was_trained_is_found_in_a_home_that_has_moved(
    tmp_path: Path, market: Market, matrices: MatrixStore
) -> None:
    task = TrainingTask.from_config(CONFIG)
    before = open_store(None, tmp_path / "old")
    run = before.start(before.get_or_create("trained"), "window")
    with run.closing():
        train_task(task, market=market, matrices=matrices, recorder=run, threads=1)
    (tmp_path / "old").rename(tmp_path / "new")

    recorder = open_store(None, tmp_path / "new").recorder(run.id)
    assert recorder.unreadable(["pred.parquet", "label.parquet", "task.json"]) is None
    assert load_task(recorder) == task
    scores = load_model(recorder).predict(open_dataset(task, market, matrices))
    assert scores.tolist() == recorder.load_table("pred")["score"].tolist()


# --- Copies of what is elsewhere ----------------------------------------------------------------------------------


def test_downloads_have_one_place_below_the_home(
    mlflow_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    remote = open_store(mlflow_url, tmp_path / "home")
    recorder = remote.start(remote.get_or_create("downloads"), "run")
    for number in range(2):
        recorder.save_object("tables/a.json", number)
        place = recorder.download("tables/a.json")
        assert place == tmp_path / "home" / "downloads" / recorder.id / "tables" / "a.json"
        assert place.read_text() == str(number)
    assert files(tmp_path / "home") == [f"downloads/{recorder.id}/tables/a.json"]
    assert recorder.unreadable(["tables/a.json"]) is None
    assert "has no artifact 'tables/b.json'" in str(recorder.unreadable(["tables/b.json"]))
    assert list((tmp_path / "tmp").iterdir()) == []


def test_an_empty_artifact_of_a_server_is_told(mlflow_url: str) -> None:
    remote = ExperimentManager(mlflow_url)
    recorder = remote.start(remote.get_or_create("empty"), "run")
    with recorder.artifacts() as folder:
        (folder / "pred.parquet").touch()
    assert "'pred.parquet' cannot be read: the file is empty" in str(recorder.unreadable(["pred.parquet"]))
    with pytest.raises(ArtifactBroken):
        recorder.load_table("pred")
