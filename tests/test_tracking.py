"""Runs on a real SQLite store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, event

from components.errors import InputError
from components.rolling.window import adopted
from components.tracking import PARENT_TAG, ArtifactMissing, ExperimentManager, RunStatus, open_store
from components.tracking.recorder import save_json
from components.tracking.tables import read_table, save_table


@pytest.fixture(scope="module")
def experiments(tmp_path_factory: pytest.TempPathFactory) -> ExperimentManager:
    return open_store(None, tmp_path_factory.mktemp("store"))


def test_what_is_logged_is_read_back_by_id(experiments: ExperimentManager) -> None:
    experiment = experiments.get_or_create("logged")
    recorder = experiments.start(experiment, "window", tags={"colour": "blue"})
    recorder.log_params({"model": {"kwargs": {"num_leaves": 31}}, "long": "x" * 20_000})
    recorder.log_metrics({"IC": 0.05, "l2@valid": 1.5})
    recorder.log_series({"l2": [3.0, 2.0, 1.0]})
    recorder.end()
    (run,) = experiments.runs(experiment)
    assert (run.id, run.name, run.status) == (recorder.id, "window", RunStatus.FINISHED)
    assert run.params["model.kwargs.num_leaves"] == "31"
    assert run.metrics == {"IC": 0.05, "l2_valid": 1.5, "l2": 1.0}
    history = recorder.client.get_metric_history(recorder.id, "l2")
    assert [(metric.step, metric.value) for metric in history] == [(0, 3.0), (1, 2.0), (2, 1.0)]


def test_artifacts_are_open_formats(experiments: ExperimentManager) -> None:
    recorder = experiments.start(experiments.get_or_create("artifacts"), "window")
    index = pd.MultiIndex.from_tuples([(pd.Timestamp("2020-01-02"), "A")], names=["datetime", "instrument"])
    with recorder.artifacts() as folder:
        save_table(pd.DataFrame({"score": [0.25]}, index=index), folder / "pred.parquet")
        save_json({"a": [1, "ü"]}, folder / "task.json")
    table = recorder.load_table("pred")
    assert table["score"].to_dict() == {(pd.Timestamp("2020-01-02"), "A"): 0.25}
    assert table.index.names == ["datetime", "instrument"]
    assert recorder.load_json("task") == {"a": [1, "ü"]}
    assert sorted(recorder.list_artifacts()) == ["pred.parquet", "task.json"]
    with pytest.raises(ArtifactMissing, match=f"run {recorder.id} has no artifact 'label.parquet'"):
        recorder.load_table("label")


def test_a_run_ends_as_its_block_does(experiments: ExperimentManager) -> None:
    experiment = experiments.get_or_create("endings")
    failed, killed = (experiments.start(experiment, name) for name in ("failed", "killed"))
    with pytest.raises(ValueError, match="too bad"), failed.closing():
        raise ValueError("too bad")
    with pytest.raises(KeyboardInterrupt), killed.closing():
        raise KeyboardInterrupt
    assert failed.status is RunStatus.FAILED
    assert failed.tags["error"] == "ValueError: too bad"
    assert killed.status is RunStatus.KILLED


def test_runs_are_found_by_tags(experiments: ExperimentManager) -> None:
    experiment = experiments.get_or_create("tags")
    for number in range(3):
        experiments.start(experiment, f"run {number}", tags={"parity": str(number % 2)})
    assert {run.name for run in experiments.runs(experiment, {"parity": "0"})} == {"run 0", "run 2"}


def test_a_deleted_experiment_says_how_to_get_it_back(experiments: ExperimentManager) -> None:
    experiment = experiments.get_or_create("gone")
    experiments.client.delete_experiment(experiment)
    with pytest.raises(InputError, match=f"mlflow experiments restore -x {experiment}"):
        experiments.get_or_create("gone")


def test_processes_that_start_together_share_a_fresh_store(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from components.tracking import open_store\n"
        "store = open_store(None, Path(sys.argv[1])); name = store.get_or_create('shared')\n"
        "store.start(name, 'run').end(); print(name)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ids = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(ids) == 1
    assert len(open_store(None, tmp_path).runs(ids.pop())) == 3


@pytest.mark.parametrize("uri", ["file:///tmp/mlruns", "./mlruns"])
def test_a_file_store_is_refused_with_a_way_out(uri: str) -> None:
    with pytest.raises(InputError, match="migrate-filestore"):
        _ = ExperimentManager(uri).client


def test_a_store_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9 cannot be opened"):
        _ = ExperimentManager("http://127.0.0.1:9").client


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The SQL statements of the test so far: what MLflow is asked for."""
    seen: list[str] = []

    def see(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", see)
    yield seen
    event.remove(Engine, "before_cursor_execute", see)


def test_artifacts_of_listed_runs_are_read_without_asking_mlflow(
    experiments: ExperimentManager, statements: list[str]
) -> None:
    experiment = experiments.get_or_create("in place")
    for number in range(3):
        started = experiments.start(experiment, f"run {number}")
        with started.artifacts() as folder:
            save_json(number, folder / "number.json")
    listed = experiments.runs(experiment)
    assert statements
    statements.clear()
    assert [experiments.recorder(run).load_json("number") for run in listed] == [2, 1, 0]
    assert started.load_json("number") == 2
    assert statements == []
    by_id = experiments.recorder(listed[0].id)
    assert (by_id.load_json("number"), len(statements) > 0) == (2, True)
    statements.clear()
    assert by_id.load_json("number") == 2
    assert statements == []


def test_windows_are_shown_below_their_parent_with_one_question(
    experiments: ExperimentManager, statements: list[str]
) -> None:
    here, elsewhere = (experiments.get_or_create(name) for name in ("here", "elsewhere"))
    parent = experiments.start(here, "rolling")
    own = [experiments.start(here, f"w{number}", parent=parent.id).id for number in range(5)]
    earlier = experiments.start(here, "earlier", parent="0" * 32).id
    other = experiments.start(elsewhere, "other").id
    statements.clear()
    assert list(adopted(own[:1], experiments, parent.id)) == own[:1]
    few = len(statements)
    statements.clear()
    assert sorted(adopted(own, experiments, parent.id)) == sorted(own)
    assert len(statements) == few
    recorders = adopted([*own, earlier, other], experiments, parent.id)
    assert {recorder.tags[PARENT_TAG] for recorder in recorders.values()} == {parent.id}
    assert adopted([], experiments, parent.id) == {}


def test_reads_a_table_as_pandas_would(tmp_path: Path) -> None:
    days = pd.to_datetime(["2020-01-03", "2020-01-02", "2020-01-06"])
    index = pd.MultiIndex.from_product([days, ["b", "a"]], names=["datetime", "instrument"])
    scores = pd.DataFrame({"score": [1.0, 2, 3, 4, 5, 6], "windows": "w"}, index=index)
    scores.reset_index().to_parquet(tmp_path / "pred.parquet", row_group_size=4)  # several dictionaries
    pd.testing.assert_frame_equal(read_table(tmp_path / "pred.parquet"), scores)
    nameless = scores.reset_index()
    nameless.loc[2, "instrument"] = None
    nameless.to_parquet(tmp_path / "nameless.parquet")
    unknown = read_table(tmp_path / "nameless.parquet").index.get_level_values("instrument").isna()
    assert unknown.tolist() == [False, False, True, False, False, False]
    scores[:0].reset_index().to_parquet(tmp_path / "empty.parquet")
    assert read_table(tmp_path / "empty.parquet").index.names == ["datetime", "instrument"]
    daily = scores[::2].droplevel("instrument")
    daily.reset_index().to_parquet(tmp_path / "daily.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "daily.parquet"), daily)
    scores.reset_index(drop=True).to_parquet(tmp_path / "plain.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "plain.parquet"), scores.reset_index(drop=True))
