"""docs/models.md as a reader follows it: the package, the config and the commands of the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from commands import TOP

from components.tracking import ExperimentManager, load_model, open_store

pytestmark = pytest.mark.acceptance

PAGE = (TOP / "docs" / "models.md").read_text("utf-8")
WINDOWS = ["2016-04-01", "2016-08-05"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the page, each under the name in its first line."""
    folder = tmp_path_factory.mktemp("desk")
    for block in (*blocks("python"), *blocks("yaml")):
        if not block.startswith("# "):
            continue  # a part of a config
        path = folder / block.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(block)
    return folder


def shell(desk: Path, script: str) -> str:
    """What a script prints that runs in the folder of the page."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "ROLLFLOW_HOME": str(desk / "home"), "COLUMNS": "100"}
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, cwd=desk, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_runs_as_it_is_written(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (commands,) = blocks("sh")
    printed = shell(desk, commands)
    assert "2 of 2 windows to train" in printed
    assert re.search(r"windows +2 of 2 done", printed), printed

    experiments = open_store(None, desk / "home")
    assert names_of(experiments) == WINDOWS
    run = experiments.runs(experiments.get_or_create("mydesk"), {"mlflow.runName": WINDOWS[0]})[0]
    recorder = experiments.recorder(run)
    daily = recorder.load_table("persistence")["persistence"]
    assert run.metrics["Persistence"] == pytest.approx(daily.mean())
    assert sorted(recorder.list_artifacts("model")) == ["model/manifest.json", "model/weights.json"]
    importance = recorder.load_json("importance")
    assert list(importance) == ["DAY", "WEEK", "VOLUME"]

    monkeypatch.syspath_prepend(desk)
    model = load_model(recorder, trusted=["mydesk"])
    assert (type(model).__name__, model.least) == ("CorrelationModel", 0.005)  # type: ignore[attr-defined]
    assert abs(model._weights).tolist() == list(importance.values())  # type: ignore[attr-defined]


def test_and_in_processes_of_their_own(desk: Path) -> None:
    (commands,) = blocks("sh")
    exports = [line for line in commands.splitlines() if line.startswith("export")]
    run = "python -m flows.rolling mydesk/run.yaml --experiment apart --runner process --workers 2"
    printed = shell(desk, "\n".join([*exports, run]))
    assert re.search(r"windows +2 of 2 done, 0 of them reused", printed), printed
    experiments = open_store(None, desk / "home")
    predictions = [
        prediction_of(experiments, experiment, window) for experiment in ("mydesk", "apart") for window in WINDOWS
    ]
    pd.testing.assert_frame_equal(predictions[0], predictions[2])
    pd.testing.assert_frame_equal(predictions[1], predictions[3])


def names_of(experiments: ExperimentManager, experiment: str = "mydesk") -> list[str]:
    runs = experiments.runs(experiments.get_or_create(experiment))
    return sorted(run.name for run in runs if run.name in WINDOWS)


def prediction_of(experiments: ExperimentManager, experiment: str, window: str) -> pd.DataFrame:
    (run,) = experiments.runs(experiments.get_or_create(experiment), {"mlflow.runName": window})
    return experiments.recorder(run).load_table("pred")
