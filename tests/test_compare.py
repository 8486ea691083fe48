"""Runs side by side, as a value and on the command line, from a real store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.errors import InputError
from components.tracking import ExperimentManager, RunMissing, compare_runs, open_store
from components.tracking.__main__ import main
from components.tracking.compare import differences, paths

Command = Callable[..., str]
MODEL = {"class": "LGBModel", "kwargs": {"num_leaves": 31, "seed": 1}}
RECORDS = [{"class": "SignalRecord"}, {"class": "SigAnaRecord", "kwargs": {"ana_long_short": True}}]
TASK = {"model": MODEL, "record": RECORDS, "data": "demo:"}
OTHER = {"model": {"class": "LGBModel", "kwargs": {"num_leaves": 64}}, "record": RECORDS, "data": "demo:"}
CONFIG = {"task": {"model": MODEL, "record": RECORDS}, "data": "demo:", "rolling": {"step": 40}}


def scores(days: int, sign: int = 1, start: str = "2020-01-01") -> pd.DataFrame:
    """Three names that are scored 0, 1, 4 every day, or the other way round."""
    dates = pd.bdate_range(start, periods=days)
    index = pd.MultiIndex.from_product([dates, ["A", "B", "C"]], names=["datetime", "instrument"])
    return pd.DataFrame({"score": sign * np.tile([0.0, 1.0, 4.0], days)}, index=index)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def experiments(home: Path) -> ExperimentManager:
    return open_store(None, home)


@pytest.fixture(scope="module")
def ids(experiments: ExperimentManager) -> dict[str, str]:
    """Runs by name: two of tasks, one of a whole rolling run, and one that has nothing."""
    experiment = experiments.get_or_create("compared")
    made = {
        "a": ({"IC": 0.05, "ICIR": 0.3}, {"pred.parquet": scores(10), "task.json": TASK}),
        "b": ({"IC": 0.04}, {"pred.parquet": scores(4, -1), "task.json": OTHER}),
        "whole": ({}, {"pred.parquet": scores(3), "config.json": CONFIG}),
        "nothing": ({}, {}),
    }
    ids = {}
    for name, (metrics, objects) in made.items():
        with experiments.start(experiment, name).closing() as recorder:
            recorder.log_metrics(metrics)
            for path, value in objects.items():
                recorder.save_object(path, value)
        ids[name] = recorder.id
    child = experiments.start(experiment, "window", parent=ids["whole"])
    child.end()
    return ids | {"window": child.id}


def test_predictions_metrics_and_tasks_stand_side_by_side(
    experiments: ExperimentManager, ids: dict[str, str]
) -> None:
    a, b = ids["a"], ids["b"]
    compared = compare_runs(experiments, [a, b])
    assert [run.name for run in compared.runs] == ["a", "b"]
    assert compared.metrics == {"IC": {a: 0.05, b: 0.04}, "ICIR": {a: 0.3}}
    (pair,) = compared.correlations
    assert (pair.runs, pair.rows) == ((a, b), 12)
    assert (pair.pearson, pair.spearman) == pytest.approx((-1, -1))
    assert compared.differences == {
        "task.model.kwargs.num_leaves": {a: 31, b: 64},
        "task.model.kwargs.seed": {a: 1},
    }
    assert compared.missing == ()
    assert json.loads(json.dumps(compared.to_document(), default=str))["metrics"]["IC"] == {a: 0.05, b: 0.04}


def test_a_window_is_compared_with_a_whole_run(experiments: ExperimentManager, ids: dict[str, str]) -> None:
    compared = compare_runs(experiments, [ids["a"], ids["whole"]])
    assert compared.correlations[0].pearson == pytest.approx(1)
    assert compared.differences == {"rolling.step": {ids["whole"]: 40}}


def test_what_cannot_be_compared_is_named(experiments: ExperimentManager, ids: dict[str, str]) -> None:
    later = experiments.start(experiments.get_or_create("compared"), "later")
    later.save_object("pred.parquet", scores(5, start="2021-01-01"))
    compared = compare_runs(experiments, [ids["a"], later.id, ids["nothing"]])
    assert compared.correlations == ()
    assert [reason.partition(" (/")[0] for reason in compared.missing] == [
        f"run {ids['nothing']} has no artifact 'pred.parquet'",
        f"run {later.id} has no artifact 'task.json'",
        f"run {ids['nothing']} has no artifact 'task.json'",
        f"runs {ids['a']} and {later.id} predict no (datetime, instrument) in common",
    ]
    with pytest.raises(InputError, match="two different runs"):
        compare_runs(experiments, [ids["a"], ids["a"][:16]])
    with pytest.raises(RunMissing, match="there is no run 'unheard of'"):
        compare_runs(experiments, [ids["a"], "unheard of"])


def test_paths_name_every_leaf() -> None:
    value = {"a": {"b": [1, {"c": None}], "d": [1, 2], "e": {}, "f": []}}
    assert dict(paths(value)) == {"a.b[0]": 1, "a.b[1].c": None, "a.d": [1, 2], "a.e": {}, "a.f": []}
    assert differences({"x": {"p": None, "q": [1]}, "y": {"q": [1]}}) == {"p": {"x": None}}


# --- On the command line ------------------------------------------------------------------------------------------


@pytest.fixture
def command(
    home: Path, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command on the private store; its output."""
    monkeypatch.setenv("ROLLFLOW_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def run(*arguments: str, status: int = 0) -> str:
        assert main(list(arguments)) == status
        out, err = capsys.readouterr()
        return err if status else out

    return run


def test_experiments_and_runs_are_listed(command: Command, ids: dict[str, str]) -> None:
    assert "compared" in command("list")
    assert {each["name"] for each in json.loads(command("list", "--json"))} >= {"compared", "Default"}

    def names(*arguments: str) -> list[str]:
        return [run["name"] for run in json.loads(command("list", "--json", *arguments))]

    assert names("compared", "--filter", "metrics.IC > 0", "--order", "metrics.IC") == ["b", "a"]
    assert "window" not in names("compared")
    assert "window" in names("compared", "--windows")
    assert len(names("compared", "--limit", "2")) == 2
    table = command("list", "compared")
    assert ids["a"][:8] in table
    assert "0.05" in table
    assert "did you mean 'compared'" in command("list", "compard", status=2)
    assert command("list", "--filter", "nonsense", status=2).startswith("error: search for 'nonsense'")


def test_lists_fit_a_narrow_terminal(
    command: Command, experiments: ExperimentManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    name = "Alpha158 on csi300, expanding"
    run = experiments.start(experiments.get_or_create(name), "rolling 2018-07-02..2020-12-31, 8 windows")
    run.log_metrics({"IC": -0.0642312, "ICIR": 0.4123, "Rank IC": 1.23e-7, "Rank ICIR": -0.39})
    run.end()
    head, line = command("list", name).splitlines()
    assert head.split() == ["run", "name", "status", "started", "IC", "Rank", "IC"]
    assert line.startswith(f"{run.id[:8]}  rolling 2018-07-02..2")
    assert [part for part in line.split() if part[-1].isdigit()][-2:] == ["-0.0642", "0.0000"]
    assert len(line) <= 80
    listed = command("list").splitlines()
    assert max(map(len, listed)) <= 80
    assert len(listed) == 1 + len(experiments.list_experiments())
    assert command("show", run.id[:8]).splitlines()[0].split() == ["run", run.id]


def test_a_run_is_shown(command: Command, ids: dict[str, str]) -> None:
    shown = command("show", ids["a"][:10])
    assert all(text in shown for text in (ids["a"], "compared", "finished", "ICIR", "0.3", "pred.parquet"))
    document = json.loads(command("show", ids["a"], "--json"))
    assert (document["metrics"], sorted(document["artifacts"])) == (
        {"IC": 0.05, "ICIR": 0.3},
        ["pred.parquet", "task.json"],
    )
    assert "there is no run 'ffff'" in command("show", "ffff", status=2)


def test_runs_are_compared(command: Command, ids: dict[str, str]) -> None:
    shown = command("compare", ids["a"], ids["b"])
    assert all(text in shown for text in ("-1.0000", "12", "task.model.kwargs.num_leaves", "31", "64", "0.05"))
    document = json.loads(command("compare", ids["a"], ids["b"], "--json"))
    assert document["correlations"][0]["rows"] == 12
    assert "has no artifact 'pred.parquet'" in command("compare", ids["a"], ids["nothing"])


def test_artifacts_are_downloaded(command: Command, ids: dict[str, str], tmp_path: Path) -> None:
    assert str(tmp_path / "task.json") in command("download", ids["a"], "task.json", "--to", str(tmp_path))
    assert json.loads((tmp_path / "task.json").read_text()) == TASK
    command("download", ids["a"], "--to", str(tmp_path / "all"))
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["pred.parquet", "task.json"]
    assert "has no artifact 'none'" in command("download", ids["a"], "none", status=2)


def test_what_is_deleted_can_be_brought_back(command: Command, experiments: ExperimentManager) -> None:
    run = experiments.start(experiments.get_or_create("short lived"), "run").id
    assert "add --yes to do it" in command("delete", run, status=2)
    command("delete", run, "--yes")
    assert "was deleted; restore it with" in command("show", run, status=2)
    command("restore", run)
    command("show", run)
    command("delete", "short lived", "--yes")
    assert "'short lived' was deleted" in command("list", "short lived", status=2)
    assert "short lived" in command("list", "--deleted")
    assert json.loads(command("restore", "short lived", "--json")) == {"restored": "short lived"}
    command("list", "short lived")


def test_a_model_that_is_not_there_is_named(command: Command, ids: dict[str, str]) -> None:
    assert "has no artifact" in command("model", ids["a"], "--register", "m", status=2)
