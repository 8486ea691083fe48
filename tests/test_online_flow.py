"""Online serving as a team runs it: commands in real processes, a real mongod, MLflow store and Prefect server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import Desk, desk

pytestmark = pytest.mark.acceptance

#: Windows of the small config are tested from here on.
FIRST, SECOND = "2016-04-01", "2016-06-03"


@pytest.fixture
def here(tmp_path: Path, prefect_url: str) -> Desk:
    return desk(tmp_path, PREFECT_API_URL=prefect_url)


def online(here: Desk, command: str, config: Path, *options: object) -> dict[str, Any]:
    outcome = here.run("flows.online", command, config, *options, "--json", here.home / "outcome.json")
    assert outcome.status == 0, outcome.err
    return here.outcome()


def signal_of(result: dict[str, Any]) -> pd.DataFrame:
    return pd.read_parquet(result["signals"])


def test_a_service_is_begun_and_goes_on(here: Desk) -> None:
    config = here.config(log=str(here.log))
    first = online(here, "first-train", config, "--day", "2016-06-01")
    (model,) = first["models"]
    assert [day["day"] for day in first["days"]] == ["2016-06-01"]
    assert first["days"][0]["online"] == {"SlowModel": [model["key"]]}
    assert model["segments"]["test"] == [FIRST, "2016-06-01"]

    later = online(here, "routine", config, "--day", "2016-06-04")  # a Saturday
    assert [(day["day"], day["status"], len(day["trained"])) for day in later["days"]] == [
        ("2016-06-02", "done", 0),
        ("2016-06-03", "done", 1),
    ]
    old, new = later["models"]
    assert (old["online_from"], old["online_to"]) == ("2016-06-01", "2016-06-02")
    assert (new["online_from"], new["online_to"]) == (SECOND, None)
    assert new["segments"]["test"] == [SECOND, SECOND]
    assert here.trained() == [FIRST, SECOND]

    again = online(here, "routine", config, "--day", "2016-06-03")
    assert again["days"] == []
    assert again["models"] == later["models"]

    simulated = online(here, "simulate", config, "--from", "2016-06-01", "--to", "2016-06-03")
    assert [day["day"] for day in simulated["days"]] == ["2016-06-01", "2016-06-02", "2016-06-03"]
    assert here.trained() == [FIRST, SECOND]  # the same models
    pd.testing.assert_frame_equal(signal_of(simulated), signal_of(later))
    signal = signal_of(later)
    assert list(signal.columns) == ["datetime", "instrument", "score"]
    assert len(signal) == 3 * 20
    predictions = pd.read_parquet(old["predictions"])
    assert list(predictions.columns) == ["datetime", "instrument", "score", "label"]
    assert predictions.groupby("datetime")["label"].count().tolist() == [
        18,
        0,
    ]  # known two days later; two names rest


def test_a_training_that_fails_leaves_the_model_of_before_online(here: Desk) -> None:
    broken = here.home / "broken"
    config = here.config(log=str(here.log), fail=str(broken))
    online(here, "first-train", config, "--day", "2016-06-02")
    broken.write_text(SECOND)
    failed = here.run("flows.online", "routine", config, "--day", SECOND, "--json", here.home / "outcome.json")
    assert failed.status == 1
    assert "2016-06-03 SlowModel not trained: " in failed.out
    assert f"told to fail in {SECOND}" in failed.out
    (day,) = here.outcome()["days"]
    (model,) = here.outcome()["models"]
    assert (day["status"], day["online"]) == ("done", {"SlowModel": [model["key"]]})
    assert model["online_to"] is None

    broken.unlink()
    mended = online(here, "routine", config, "--day", "2016-06-06")
    assert [model["segments"]["test"] for model in mended["models"]] == [
        [FIRST, "2016-06-02"],
        [SECOND, "2016-06-06"],
    ]
