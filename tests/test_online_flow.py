"""Online serving as a team runs it: commands in real processes, a real mongod, MLflow store and Prefect server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from commands import CONFIG, Desk, desk, finish
from mongods import Mongod, running
from test_changed_data import bars

from components.pool import TaskPool
from components.tracking import open_store

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


def test_a_person_decides_and_the_next_day_carries_it_out(here: Desk) -> None:
    config = here.config(log=str(here.log))
    outcome = here.home / "outcome.json"
    early = here.run("flows.online", "status", config)
    assert "service small: 0 days served" in early.out
    online(here, "first-train", config, "--day", "2016-06-02")
    (_, new) = online(here, "routine", config, "--day", SECOND)["models"]
    asked = here.run("flows.online", "rollback", config, "--why", "it trades too much")
    assert asked.status == 0, asked.err
    standing = here.run("flows.online", "status", config, "--json", outcome)
    assert "asked for by" in standing.out
    assert "it trades too much" in standing.out
    assert here.outcome()["strategies"]["SlowModel"]["champion"] == new["key"]

    (day,) = online(here, "backfill", config, "--from", "2016-06-06", "--to", "2016-06-06")["days"]
    assert day["online"] != {"SlowModel": [new["key"]]}
    store = open_store(None, here.home / "rollflow")
    aliases = store.client.get_registered_model("small.SlowModel").aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"champion": "1", "previous": "2"}
    verified = here.run("flows.online", "verify", config, "--json", outcome)
    assert verified.status == 0, verified.err
    assert "everything is as it was served" in verified.out
    assert here.outcome()["equal"]


def test_a_database_that_dies_between_any_two_days_loses_none_and_doubles_none(
    tmp_path: Path, prefect_url: str
) -> None:
    last = "2016-06-24"  # 18 sessions with the first
    with running(Mongod(tmp_path / "mongod")) as server:
        here = desk(tmp_path, PREFECT_API_URL=prefect_url, ROLLFLOW_MONGO_URL=server.url)
        config = here.config(log=str(here.log))
        online(here, "first-train", config, "--day", "2016-06-01")
        routine = here.start("flows.online", "routine", config, "--day", last, "--json", here.home / "outcome.json")
        outages = 0
        with TaskPool(server.url, name="small days") as pool:
            days = [len(pool.find({"status": "done"}))]
            while routine.poll() is None:
                if (done := len(pool.find({"status": "done"}))) >= days[-1] + 4:
                    days.append(done)
                    server.kill()
                    outages += 1
                    server.start()
        served = finish(routine)
        assert served.status == 0, served.err
        assert outages > 1
        done = here.outcome()
        simulated = online(here, "simulate", config, "--from", "2016-06-01", "--to", last)
    assert [day["status"] for day in done["days"]] == ["done"] * 17
    assert [day["day"] for day in simulated["days"]][1:] == [day["day"] for day in done["days"]]
    pd.testing.assert_frame_equal(signal_of(simulated), signal_of(done))
    assert here.trained() == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["routine"], "service small has not begun; train its first models with first-train"),
        (["rollback"], "strategy SlowModel: there is no champion before; say which model, see status"),
        (["verify"], "service small has served no day from None to None"),
        (["first-train", "--day", "2031-01-01"], "has no 2031-01-01; its days are 2015-01-02 to 2016-12-30"),
        (
            ["simulate", "--from", "2016-02-01", "--to", "2016-02-05"],
            "its first test day 2016-04-01 is after 2016-02-01",
        ),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_cannot_be_done_is_one_line(here: Desk, command: list[str], message: str) -> None:
    name, *options = command
    refused = here.run("flows.online", name, here.config(), *options)
    assert refused.status == 2
    assert message in refused.err.replace("'", "")
    assert len([line for line in refused.err.splitlines() if line.startswith("error: ")]) == 1
    assert "Traceback" not in refused.err


def on_bars(here: Desk, model: dict[str, Any], **sections: Any) -> Path:
    """A config on made-up bars, whose second window is tested from 2020-06-12 on."""
    content = json.loads(json.dumps(CONFIG)) | {
        "rolling": {"step": 30},
        "data": f"parquet:{here.home}/bars.parquet",
    }
    content["task"]["model"] = model
    content["task"]["dataset"]["kwargs"]["segments"] = {
        "train": ["2020-01-15", "2020-03-31"],
        "valid": ["2020-04-01", "2020-04-30"],
        "test": ["2020-05-01", "2020-09-03"],
    }
    path = here.home / "bars.yaml"
    path.write_text(yaml.safe_dump(content | sections))
    return path


def test_data_that_is_written_to_meanwhile_is_opened_anew(here: Desk) -> None:
    data, newer = here.home / "bars.parquet", here.home / "newer.parquet"
    bars(130).to_parquet(data)
    bars(131).to_parquet(newer)
    model = {
        "class": "Overtaken",
        "module_path": "sample_models",
        "kwargs": {"file": str(data), "newer": str(newer)},
    }
    first = online(here, "first-train", on_bars(here, model), "--day", "2020-06-11")
    assert not newer.exists()
    assert [day["day"] for day in first["days"]] == ["2020-06-11"]
    later = online(here, "routine", on_bars(here, model))
    assert later["days"][-1]["day"] == "2020-07-01"
