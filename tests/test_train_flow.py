"""A single task as a user trains it: real processes, a real mongod, MLflow store and Prefect server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from commands import Desk, desk

from components.config import parse_config
from components.tracking import open_store

pytestmark = pytest.mark.acceptance


@pytest.fixture
def here(tmp_path: Path, prefect_url: str) -> Desk:
    return desk(tmp_path, PREFECT_API_URL=prefect_url)


def with_backtest(config: Path, topk: int) -> Path:
    """The config, its task judged by Qlib's three records."""
    content = yaml.safe_load(config.read_text())
    backtest = {
        "strategy": {"class": "TopkDropoutStrategy", "kwargs": {"signal": "<PRED>", "topk": topk, "n_drop": 1}},
        "backtest": {"account": 1e6, "benchmark": "DEMO000"},
    }
    content["task"]["record"] = [
        {"class": "SignalRecord", "kwargs": {"model": "<MODEL>", "dataset": "<DATASET>"}},
        {"class": "SigAnaRecord"},
        {"class": "PortAnaRecord", "kwargs": {"config": backtest}},
    ]
    config.write_text(yaml.safe_dump(content))
    return config


def trained(here: Desk, config: Path) -> dict[str, Any]:
    outcome = here.run("flows.train", config, "--json", here.home / "outcome.json")
    assert outcome.status == 0, outcome.err
    return here.outcome()


def test_a_task_is_trained_once_and_judged_as_the_config_says(here: Desk) -> None:
    broken = here.home / "broken"
    broken.write_text("2016-04-01")
    config = with_backtest(here.config(log=str(here.log), fail=str(broken)), topk=5)
    failed = here.run("flows.train", config, "--json", here.home / "outcome.json")
    assert failed.status == 1
    assert "failed after 3 attempts: RuntimeError: told to fail in 2016-04-01" in failed.out
    assert (here.outcome()["metrics"], here.outcome()["predictions"]) == ({}, None)
    assert here.trained() == []

    broken.unlink()
    first = trained(here, config)
    (task,) = first["windows"]
    assert (task["status"], first["reused"], first["gaps"]) == ("done", 0, [])
    assert task["segments"]["test"] == ["2016-04-01", "2016-11-30"]
    assert {"IC", "Rank ICIR", "1day.excess_return_with_cost.annualized_return"} <= first["metrics"].keys()
    assert Path(first["report"]).name == "report.html"
    predictions = pd.read_parquet(first["predictions"])
    assert list(predictions.columns) == ["datetime", "instrument", "score", "label"]
    assert str(predictions["datetime"].max().date()) == "2016-11-30"

    experiments = open_store(None, here.home / "rollflow")
    (run,) = experiments.search("attributes.status = 'FINISHED'", experiments=["small"])
    assert (run.id, run.name, run.parent) == (first["recorder_id"], "SlowModel 2016-04-01..2016-11-30", None)
    assert run.metrics == pytest.approx(first["metrics"])
    artifacts = experiments.recorder(run).list_artifacts()
    assert {"config.json", "task.json", "pred.parquet", "sig_analysis.parquet", "report.parquet"} <= set(artifacts)
    assert "rolling" not in experiments.recorder(run).load_json("config")

    # Another backtest is no other task.
    second = trained(here, with_backtest(config, topk=2))
    assert (second["reused"], second["recorder_id"]) == (1, run.id)
    assert second["metrics"]["IC"] == first["metrics"]["IC"]
    name = "1day.excess_return_with_cost.annualized_return"
    assert second["metrics"][name] != first["metrics"][name]
    assert experiments.run(run.id).metrics[name] == second["metrics"][name]
    assert here.trained() == ["2016-04-01"]
    planned = here.run("flows.train", config, "--plan")
    assert "reuse" in planned.out

    # Whose results are gone is told how to get them back.
    experiments.delete_run(run.id)
    gone = here.run("flows.train", config)
    assert gone.status == 2
    assert f"run {run.id} was deleted; restore it with 'python -m components.tracking restore {run.id}'" in gone.err
    assert "components.pool reset --status done" in gone.err
    assert gone.err.count("error: ") == 1


def test_wrong_input_is_one_line_and_status_2(here: Desk) -> None:
    config = here.config()
    content = yaml.safe_load(config.read_text())
    del content["task"]["dataset"]["kwargs"]["segments"]["test"]
    config.write_text(yaml.safe_dump(content))
    outcome = here.run("flows.train", config)
    assert (outcome.status, outcome.err) == (2, "error: task.dataset.kwargs.segments: 'test' is missing\n")


def test_qlibs_name_of_the_experiment_is_taken() -> None:
    text = "experiment_name: mine\ntask: {}"
    assert parse_config(text, "qlib.yaml").experiment_name == "mine"
    assert parse_config(f"experiment: ours\n{text}", "both.yaml").experiment_name == "ours"
