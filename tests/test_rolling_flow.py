"""The rolling flow as a user runs it: real processes, a real mongod, MLflow store and Prefect server."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Desk, desk, finish, stop, wait_until

from components.pool import TaskPool, TaskStatus
from components.pool.mongod import embedded_mongo
from components.tracking import open_store

pytestmark = pytest.mark.acceptance

DONE = {"status": TaskStatus.DONE.value}
WINDOWS = ["2016-04-01", "2016-06-03", "2016-08-05", "2016-10-10"]


@pytest.fixture
def here(tmp_path: Path, prefect_url: str) -> Desk:
    return desk(tmp_path, PREFECT_API_URL=prefect_url)


@contextmanager
def opened(here: Desk) -> Iterator[TaskPool]:
    """The pool of the small config, on the embedded mongod of the desk's home."""
    with embedded_mongo(here.home / "rollflow") as url, TaskPool(url, name="small") as pool:
        yield pool


def names(outcome: dict[str, object]) -> list[str]:
    return [window["segments"]["test"][0] for window in outcome["windows"]]  # type: ignore[attr-defined]


def test_a_second_run_reuses_every_window(here: Desk) -> None:
    config = here.config(log=str(here.log))
    first = here.rolling(config, "--workers", 1)
    second = here.rolling(config)

    assert names(first) == WINDOWS
    assert {window["status"] for window in first["windows"]} == {"done"}
    assert here.trained() == WINDOWS  # once each, the oldest first
    assert (first["reused"], second["reused"]) == (0, 4)
    assert [window["reused"] for window in second["windows"]] == [True] * 4
    assert second["metrics"] == first["metrics"]
    assert second["recorder_id"] == first["recorder_id"]

    predictions = pd.read_parquet(first["predictions"])
    assert list(predictions.columns) == ["datetime", "instrument", "score", "label"]
    assert predictions["datetime"].min() == pd.Timestamp("2016-04-01")
    assert not predictions.duplicated(["datetime", "instrument"]).any()
    assert first["metrics"]["IC"] == pytest.approx(
        predictions.dropna().groupby("datetime").apply(lambda day: day["score"].corr(day["label"])).mean(), abs=1e-9
    )

    runs = open_store(None, here.home / "rollflow").runs("1")
    children = [run for run in runs if run.tags.get("mlflow.parentRunId") == first["recorder_id"]]
    assert sorted(run.name for run in children) == WINDOWS
    assert {run.status for run in runs} == {"FINISHED"}
    assert {run.id for run in children} == {window["recorder_id"] for window in first["windows"]}


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, prefect_url: str) -> None:
    here = desk(tmp_path, PREFECT_API_URL=prefect_url, ROLLFLOW_LEASE="3")
    undisturbed = desk(tmp_path, PREFECT_API_URL=prefect_url, ROLLFLOW_HOME=str(tmp_path / "undisturbed"))
    config = here.config(seconds=2.0, log=str(here.log))
    process = here.start("flows.rolling", config, "--workers", 1)
    with opened(here) as pool:
        wait_until(lambda: pool.counts()[TaskStatus.DONE] == 2)
        wait_until(lambda: pool.counts()[TaskStatus.RUNNING] == 1)
        process.kill()
        finish(process)
        done = [record.definition["dataset"]["kwargs"]["segments"]["test"][0] for record in pool.find(DONE)]

    outcome = here.rolling(config, "--workers", 1)
    trained = here.trained()
    assert sorted(set(trained)) == WINDOWS
    assert [trained.count(name) for name in done] == [1, 1]  # what was done was not trained again
    assert sorted(window["attempts"] for window in outcome["windows"]) == [1, 1, 1, 2]  # the lost one: taken over
    assert outcome["reused"] == 2

    expected = undisturbed.rolling(undisturbed.config("quick.yaml"))
    pd.testing.assert_frame_equal(pd.read_parquet(outcome["predictions"]), pd.read_parquet(expected["predictions"]))
    assert outcome["metrics"] == expected["metrics"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_gives_its_tasks_back(here: Desk, number: int, status: int) -> None:
    config = here.config(seconds=60.0, log=str(here.log))
    process = here.start("flows.rolling", config, "--workers", 2)
    with opened(here) as pool:
        wait_until(lambda: pool.counts()[TaskStatus.RUNNING] == 2)
        outcome = stop(process, number, timeout=20)
        assert outcome.status == status
        assert outcome.err.splitlines()[-1].startswith("interrupted: claimed tasks were given back")
        assert pool.counts() == {TaskStatus.WAITING: 4}
        assert {record.attempts for record in pool.find()} == {0}
    assert here.trained() == []


def test_a_failing_window_stops_nothing_and_is_trained_again_by_the_next_run(here: Desk) -> None:
    broken = here.home / "broken"
    broken.write_text(WINDOWS[1])
    config = here.config(log=str(here.log), fail=str(broken))
    outcome = here.run("flows.rolling", config, "--json", here.home / "outcome.json")
    assert outcome.status == 1
    result = here.outcome()
    assert [window["status"] for window in result["windows"]] == ["done", "failed", "done", "done"]
    failed = result["windows"][1]
    assert failed["attempts"] == 3
    assert failed["error"] == "RuntimeError: told to fail in 2016-06-03"
    assert result["gaps"] == ["2016-06-03..2016-08-04"]
    assert "2016-06-03 failed after 3 attempts: RuntimeError: told to fail in 2016-06-03" in outcome.out
    report = Path(result["report"])
    assert report.parent == Path(result["predictions"]).parent  # with the artifacts of the parent run
    text = report.read_text()
    assert "<strong>Window 2016-06-03 failed</strong>" in text
    assert "<code>RuntimeError: told to fail in 2016-06-03</code>" in text
    assert "No predictions for <strong>2016-06-03 to 2016-08-04</strong>" in text
    assert f"report        {report}" in outcome.out

    broken.unlink()
    result = here.rolling(config)
    assert result["reused"] == 3
    assert sorted(here.trained()) == WINDOWS
    assert result["gaps"] == []


def test_a_report_that_cannot_be_made_is_a_warning_of_a_run_that_is_done(here: Desk) -> None:
    config = here.config(log=str(here.log))
    first = here.rolling(config)
    window = first["windows"][2]["recorder_id"]
    (Path(first["report"]).parents[2] / window / "artifacts" / "importance.json").unlink()
    outcome = here.run("flows.rolling", config, "--json", here.home / "outcome.json")
    assert outcome.status == 0, outcome.err
    result = here.outcome()
    assert result["report"] is None
    assert result["metrics"] == first["metrics"]
    (warning,) = result["warnings"]
    assert f"the report could not be made: ArtifactMissing: run {window} has no artifact" in warning
    assert f"{warning}\n" in outcome.out


def test_a_plan_says_what_would_run_and_runs_nothing(here: Desk) -> None:
    config = here.config(log=str(here.log))
    planned = here.run("flows.rolling", config, "--plan")
    assert planned.status == 0
    assert "4 of 4 windows to train; nothing was run" in planned.out
    here.rolling(config)
    planned = here.run("flows.rolling", config, "--plan")
    assert "0 of 4 windows to train; nothing was run" in planned.out
    assert planned.out.count("reuse") == 4


def bars() -> pd.DataFrame:
    """Made-up bars of eight instruments."""
    rng, days = np.random.default_rng(5), pd.bdate_range("2015-01-01", "2016-12-30")
    codes = [f"S{number:03d}" for number in range(1, 9)]
    table = pd.DataFrame({"date": np.repeat(days, 8), "instrument": np.tile(codes, len(days))})
    table["close"] = 10 * np.exp(0.02 * rng.standard_normal((len(days), 8)).cumsum(axis=0)).reshape(-1)
    return table.assign(volume=np.round(1e6 * np.exp(rng.standard_normal(len(table)))))


def labels_of(outcome: dict[str, Any], day: str) -> pd.Series[float]:
    predictions = pd.read_parquet(outcome["predictions"])
    return predictions.loc[predictions["datetime"] == day, "label"]


def test_changed_data_is_named_and_labels_that_became_known_are_filled_in(here: Desk) -> None:
    table, file = bars(), here.home / "bars.parquet"
    config, last = here.config(log=str(here.log)), "2016-10-06"
    config.write_text(config.read_text().replace("2016-11-30", last))
    table[table["date"] <= last].to_parquet(file, index=False)
    run = (config, "--data", f"parquet:{file}", "--kind", "sliding")
    assert labels_of(here.rolling(*run), last).isna().all()
    table.loc[(table["date"] == "2015-02-10") & (table["instrument"] == "S003"), "close"] *= 1.1
    table.to_parquet(file, index=False)  # with later days, too

    planned = here.run("flows.rolling", *run, "--plan")
    assert "1 changed: data from 2015-02-10, S003\n" in planned.out
    assert "1 of 3 windows to train" in planned.out
    again = here.run("flows.rolling", *run, "--json", here.home / "outcome.json")
    assert "1 trained again, changed: data from 2015-02-10, S003\n" in again.out
    second = here.outcome()
    assert [window["reused"] for window in second["windows"]] == [False, True, True]
    assert sorted(here.trained()) == [WINDOWS[0], *WINDOWS[:3]]
    assert labels_of(second, last).notna().all()


@pytest.mark.parametrize("runner", ["process", "dask"])
def test_processes_train_as_threads_do(here: Desk, runner: str) -> None:
    config = here.config(log=str(here.log))
    outcome = here.rolling(config, "--runner", runner, "--workers", 2)
    assert [window["status"] for window in outcome["windows"]] == ["done"] * 4
    assert sorted(here.trained()) == WINDOWS


WRONG = [
    ({"rolling": {"stepp": 3}}, "unknown key 'rolling.stepp'; did you mean 'step'?"),
    ({"data": "qlib:/nowhere"}, "/nowhere"),
    ({"data": "demoo:"}, "demoo"),
    ({"task.model.class": "SlowMode"}, "did you mean 'SlowModel'?"),
    ({"task.model.module_path": "subprocess"}, "class subprocess.SlowModel is not one of rollflow's"),
    ({"task.model.kwargs": {"second": 1}}, "did you mean 'seconds'?"),
    ({"task.dataset.kwargs.handler.kwargs.instruments": "alll"}, "alll"),
    ({"task.dataset.kwargs.segments.test": ["2031-01-01", "2031-12-31"]}, "no trading day between"),
    ({"task.dataset.kwargs.segments.train": ["2016-13-01", "2016-03-01"]}, "not a date: '2016-13-01'"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[str(next(iter(change))) for change, _ in WRONG])
def test_wrong_input_is_one_line_and_status_2(here: Desk, change: dict[str, object], message: str) -> None:
    from commands import CONFIG

    content = json.loads(json.dumps(CONFIG))
    for path, value in change.items():
        *sections, name = path.split(".")
        place = content
        for section in sections:
            place = place[section]
        place[name] = value
    config = here.home / "wrong.yaml"
    config.write_text(json.dumps(content))
    outcome = here.run("flows.rolling", config)
    assert outcome.status == 2, outcome.err
    assert outcome.err.startswith("error: ")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (here.home / "rollflow" / "mlflow.db").exists()  # nothing was begun


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"ROLLFLOW_MONGO_URL": "mongodb://u:secret@127.0.0.1:9/?serverSelectionTimeoutMS=500"}, "127.0.0.1:9"),
        ({"ROLLFLOW_MONGOD": "/nowhere/mongod"}, "/nowhere/mongod"),
        ({"ROLLFLOW_LAESE": "5"}, "did you mean 'ROLLFLOW_LEASE'?"),
    ],
)
def test_wrong_settings_are_one_line_and_status_2(tmp_path: Path, environ: dict[str, str], message: str) -> None:
    here = desk(tmp_path, **environ)
    outcome = here.run("flows.rolling", here.config())
    assert outcome.status == 2, outcome.err
    assert "secret" not in outcome.err
    # before it, a command that takes its time says what it waits for
    said = [line for line in outcome.err.splitlines() if not line.endswith(" ...")]
    assert len(said) == 1
    assert message in said[0]
