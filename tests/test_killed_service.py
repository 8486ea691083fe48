"""A service that is killed at any of its writes ends, once it goes on, as if it had not been killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from commands import CONFIG, TOP, desk
from test_changed_data import bars

pytestmark = pytest.mark.acceptance

#: Writes of which the last one of each kind is tried: before a day is claimed and when its run has just begun; as a
#: model is done; between the files of a model, of a day and of the service; when a day is done but its run is not.
KINDS = [
    "mongo findAndModify small days claim",
    "mlflow INSERT INTO tags",
    "disk os.rename artifacts/small/*/artifacts/reference.json",
    "disk os.rename artifacts/small/*/artifacts/signals.parquet",
    "disk os.remove artifacts/small/*/draft-*.lock",
    "mongo update small days complete",
    "mlflow UPDATE runs",
]


def test_a_killed_service_goes_on_as_if_it_had_not_been_killed(tmp_path: Path, mongo_url: str) -> None:
    bars().assign(factor=1.0).to_parquet(tmp_path / "bars.parquet")
    content = json.loads(json.dumps(CONFIG)) | {"rolling": {"step": 30}, "data": f"parquet:{tmp_path}/bars.parquet"}
    content["task"]["model"] = {"class": "LinearModel", "kwargs": {"estimator": "ridge", "alpha": 0.1}}
    content["task"]["dataset"]["kwargs"]["segments"] = {
        "train": ["2020-01-15", "2020-03-31"],
        "valid": ["2020-04-01", "2020-04-30"],
        "test": ["2020-05-01", "2020-09-03"],
    }
    content["online"] = {
        "portfolio": {"strategy": {"class": "TopkDropoutStrategy", "kwargs": {"topk": 3, "n_drop": 1}}}
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(content))
    environ = desk(tmp_path, ROLLFLOW_MONGO_URL=mongo_url, ROLLFLOW_DATABASE="killed", OMP_NUM_THREADS="1").environ
    script, config, tries = TOP / "tests" / "killed_service.py", tmp_path / "run.yaml", tmp_path / "tries"
    command = [sys.executable, script, config, tries, "begun", *KINDS]
    done = subprocess.run(command, env=dict(environ), cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((tmp_path / "tries" / "found.json").read_text())
    assert found["others"] == {}
    for each in found["tries"].values():
        assert (each["kind"], each["killed"], each["after"], each["differences"]) == (each["kind"], 9, 0, [])
        assert set(each["others"]) <= {"KILLED"}
    assert [each["kind"] for each in found["tries"].values()] == KINDS
