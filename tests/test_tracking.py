"""Experiments on a real SQLite store: made, found, searched, deleted; and stores that cannot be used."""

from __future__ import annotations

import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from commands import wait_until
from sqlalchemy import Engine, event

from components.errors import InputError, Unavailable
from components.formats.objects import save_json
from components.rolling.window import adopted
from components.tracking import (
    PARENT_TAG,
    ExperimentManager,
    ExperimentMissing,
    RunMissing,
    RunStatus,
    open_store,
)


@pytest.fixture(scope="module")
def models(experiments: ExperimentManager) -> ExperimentManager:
    """A store with three runs in the experiments `gbdt` and `linear`."""
    for experiment, name, ic in (("gbdt", "small", 0.03), ("gbdt", "large", 0.05), ("linear", "ridge", 0.04)):
        recorder = experiments.start(experiments.get_or_create(experiment), name, tags={"size": name})
        recorder.log_metrics({"IC": ic, "Rank IC": -ic})
        recorder.end()
    return experiments


# --- Finding ------------------------------------------------------------------------------------------------------


def test_runs_are_found_by_tags(experiments: ExperimentManager) -> None:
    experiment = experiments.get_or_create("tags")
    for number in range(3):
        experiments.start(experiment, f"run {number}", tags={"parity": str(number % 2), "owner": "it's me"})
    assert {run.name for run in experiments.runs(experiment, {"parity": "0"})} == {"run 0", "run 2"}
    assert len(experiments.runs(experiment, {"owner": "it's me"})) == 3
    with pytest.raises(InputError, match="both kinds of quotes"):
        experiments.runs(experiment, {"owner": '"it\'s me"'})


def test_experiments_are_listed_by_name(models: ExperimentManager) -> None:
    listed = {experiment.name: experiment for experiment in models.list_experiments()}
    assert {"gbdt", "linear"} <= listed.keys()
    assert listed["gbdt"] == models.experiment("gbdt")
    assert models.get_or_create("gbdt") == listed["gbdt"].id
    with pytest.raises(ExperimentMissing, match="there is no experiment 'gbtd'; did you mean 'gbdt'"):
        models.experiment("gbtd")


def test_runs_are_searched_in_mlflows_language(models: ExperimentManager) -> None:
    def names(condition: str = "", **options: object) -> list[str]:
        return [run.name for run in models.search(condition, **options)]  # type: ignore[arg-type]

    both = ["gbdt", "linear"]
    assert names("metrics.IC > 0.035", experiments=both, order_by=["metrics.IC"]) == ["ridge", "large"]
    assert names(experiments=both, order_by=["metrics.`Rank IC`"]) == ["large", "ridge", "small"]
    assert names(experiments=both, order_by=["metrics.IC DESC"], limit=2) == ["large", "ridge"]
    assert names("tags.size = 'ridge'") == ["ridge"]
    assert names(experiments=["linear"]) == ["ridge"]
    with pytest.raises(InputError, match=r"search for 'metrics.IC >> 1' by time: "):
        names("metrics.IC >> 1")
    with pytest.raises(InputError, match="by bogus: Invalid attribute key 'bogus'"):
        names(order_by=["bogus"])
    with pytest.raises(ExperimentMissing, match="did you mean 'linear'"):
        names(experiments=["liner"])


def test_several_experiments_are_listed_together(models: ExperimentManager) -> None:
    both = [models.experiment(name).id for name in ("gbdt", "linear")]
    assert [run.name for run in models.runs(both)] == ["ridge", "large", "small"]
    assert [run.experiment for run in models.runs(both)] == [both[1], both[0], both[0]]


def test_more_runs_than_one_page_of_mlflow(models: ExperimentManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.tracking.search._PAGE", 2)
    assert len(models.search(experiments=["gbdt", "linear"])) == 3
    assert len(models.search(experiments=["gbdt", "linear"], limit=1)) == 1
    assert {"gbdt", "linear", "Default"} <= {experiment.name for experiment in models.list_experiments()}


def test_more_ids_than_a_database_takes_at_once(models: ExperimentManager) -> None:
    ids = [run.id for run in models.search(experiments=["gbdt", "linear"])]
    both = [models.experiment(name).id for name in ("gbdt", "linear")]
    none = [f"{number:032x}" for number in range(4000)]  # MLflow's parser takes 3,333 at once
    many = [ids[0], *none[:2000], ids[1], *none[2000:], ids[2]]
    assert [run.name for run in models.runs(both, ids=many)] == ["ridge", "large", "small"]
    assert [run.name for run in models.runs(both, {"size": "large"}, ids=[*none, *ids])] == ["large"]
    assert models.runs(both, ids=[]) == []


def test_a_run_is_found_by_the_start_of_its_id(models: ExperimentManager) -> None:
    (ridge,) = models.search(experiments=["linear"])
    assert models.run(ridge.id) == ridge
    assert models.run(ridge.id[:12]) == ridge
    with pytest.raises(RunMissing, match="several runs have an id that starts with ''"):
        models.run("")
    with pytest.raises(RunMissing, match="there is no run 'nothing'"):
        models.run("nothing")


def test_a_browser_finds_an_artifact(experiments: ExperimentManager) -> None:
    recorder = experiments.start(experiments.get_or_create("addresses"), "run")
    recorder.save_object("task.json", {})
    assert experiments.address(recorder, "task.json") == recorder.download("task.json").as_uri()
    server = ExperimentManager("http://user:secret@tracking:5000/")
    path = f"experiments/{recorder.experiment}/runs/{recorder.id}/artifacts/task.json"
    assert server.address(recorder, "task.json") == f"http://tracking:5000/#/{path}"


# --- Deleting -----------------------------------------------------------------------------------------------------


def test_a_deleted_experiment_says_how_to_get_it_back(experiments: ExperimentManager) -> None:
    experiment = experiments.get_or_create("to go")
    run = experiments.start(experiment, "run").id
    experiments.delete_experiment("to go")
    assert "to go" not in {each.name for each in experiments.list_experiments()}
    assert "to go" in {each.name for each in experiments.list_experiments(deleted=True)}
    for ask in (experiments.get_or_create, experiments.experiment, experiments.delete_experiment):
        with pytest.raises(
            ExperimentMissing,
            match=r"'to go' was deleted; .*components\.tracking restore 'to go'' or choose another",
        ):
            ask("to go")
    with pytest.raises(RunMissing, match=f"run {run} was deleted"):
        experiments.run(run)
    with pytest.raises(ExperimentMissing, match="no deleted experiment 'togo'; did you mean 'to go'"):
        experiments.restore_experiment("togo")
    experiments.restore_experiment("to go")
    assert experiments.get_or_create("to go") == experiment
    assert experiments.run(run).id == run


def test_a_deleted_run_says_how_to_get_it_back(experiments: ExperimentManager) -> None:
    experiment = experiments.get_or_create("run to go")
    recorder = experiments.start(experiment, "run")
    experiments.delete_run(recorder.id)
    assert experiments.runs(experiment) == []
    for ask in (experiments.run, experiments.delete_run):
        with pytest.raises(RunMissing, match=f"run {recorder.id} was deleted; .* restore {recorder.id}'"):
            ask(recorder.id)
    experiments.restore_run(recorder.id)
    assert [run.id for run in experiments.runs(experiment)] == [recorder.id]
    for ask in (experiments.delete_run, experiments.restore_run):
        with pytest.raises(RunMissing, match=f"{'0' * 32}"):
            ask("0" * 32)


# --- Stores -------------------------------------------------------------------------------------------------------


def test_a_folder_of_runs_is_copied_by_the_command_that_its_error_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.chdir(tmp_path)
    code = (
        "import mlflow; mlflow.set_tracking_uri('./mlruns'); mlflow.set_experiment('old')\n"
        "with mlflow.start_run(run_name='r'):\n"
        "    mlflow.log_metric('IC', 0.5); mlflow.log_dict({'a': 1}, 'task.json')"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, stderr=subprocess.DEVNULL)
    with pytest.raises(InputError, match="MLflow no longer reads runs from folders") as refused:
        _ = ExperimentManager("./mlruns").client
    found = re.search(r"with '(mlflow .*)', leave the folder .* and use (sqlite:///.*)", str(refused.value))
    assert found
    subprocess.run([sys.executable, "-m", *shlex.split(found[1])], check=True, stdout=subprocess.DEVNULL)
    copied = ExperimentManager(found[2])
    (run,) = copied.search("metrics.IC = 0.5", experiments=["old"])
    assert (run.name, run.status, copied.recorder(run).load_json("task")) == ("r", RunStatus.FINISHED, {"a": 1})


def test_other_addresses_are_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"no longer keeps runs in folders; use sqlite:///{tmp_path}/none.db or"):
        _ = ExperimentManager(str(tmp_path / "none")).client
    with pytest.raises(InputError, match=r"'mongodb://me:\*\*\*@host': not an MLflow store; use sqlite:///FILE"):
        _ = ExperimentManager("mongodb://me:secret@host").client


def test_a_file_whose_making_was_killed_is_made_again(tmp_path: Path) -> None:
    make = "import sys; from pathlib import Path; from components.tracking import open_store; "
    make += "open_store(None, Path(sys.argv[1])).check()"
    maker = subprocess.Popen([sys.executable, "-c", make, str(tmp_path)], stderr=subprocess.DEVNULL)
    wait_until(lambda: any(len(tables(path)) > 3 for path in tmp_path.glob("mlflow.db*")))
    maker.kill()
    maker.wait()
    assert not (tmp_path / "mlflow.db").exists()
    assert open_store(None, tmp_path).get_or_create("models") == "1"
    assert not list(tmp_path.glob("*.new*"))


def tables(file: Path) -> list[str]:
    """Names of the tables of a SQLite file that somebody else may be writing; none where it cannot be read now."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        return [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return []


def test_a_fresh_file_gets_a_write_ahead_log_and_an_older_one_stays_as_it_is(tmp_path: Path) -> None:
    for name, mode in (("fresh", "wal"), ("older", "delete")):
        file = tmp_path / name / "mlflow.db"
        if name == "older":
            file.parent.mkdir()
            sqlite3.connect(file).execute("CREATE TABLE notes (text)")
        open_store(None, tmp_path / name).get_or_create("models")
        assert sqlite3.connect(file).execute("PRAGMA journal_mode").fetchone() == (mode,)


def test_a_store_that_does_not_answer_at_the_start_has_a_wrong_address() -> None:
    manager = ExperimentManager("http://me:secret@127.0.0.1:9")
    with pytest.raises(InputError) as refused:
        manager.check()
    shown = "MLflow store http://me:***@127.0.0.1:9"
    assert str(refused.value) == f"{shown} does not answer: [Errno 111] Connection refused"
    assert "secret" not in repr(manager)


def test_a_store_that_does_not_answer_later_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    manager = ExperimentManager("http://me:secret@127.0.0.1:9")
    with pytest.raises(Unavailable) as away:
        manager.get_or_create("models")
    shown = "MLflow store http://me:***@127.0.0.1:9"
    reason = "it cannot be opened: [Errno 111] Connection refused"
    assert str(away.value) == f"{shown} is not available: {reason}"


# --- What is asked of MLflow --------------------------------------------------------------------------------------


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


def test_a_done_task_whose_run_is_gone_says_how_to_train_it_again(experiments: ExperimentManager) -> None:
    here, elsewhere = (experiments.get_or_create(name) for name in ("here", "elsewhere"))
    parent = experiments.start(here, "rolling").id
    deleted = [experiments.start(place, "deleted").id for place in (here, elsewhere)]
    for run in deleted:
        experiments.delete_run(run)
    for run in [*deleted, "0" * 32]:
        for above in (parent, None):
            with pytest.raises(
                RunMissing, match=f'reset --status done --query \'{{"result.recorder_id": "{run}"}}\''
            ):
                adopted([run], experiments, above)
