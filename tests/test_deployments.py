"""The deployments, as the README offers them: a work pool, `prefect deploy`, a worker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from commands import TOP, Desk, Outcome, desk, wait_until
from prefect.exceptions import ParameterTypeError
from servers import ask, flow_runs

from components.config.online.schedule import ScheduleSection
from components.serving.sessions.schedule import schedule_for
from deployments.table import DEPLOYMENTS, Deployment

#: Flows, and parameters of theirs that are days.
DAYS = (
    ("first-train", "day"),
    ("routine", "day"),
    ("backfill", "first"),
    ("backfill", "last"),
    ("simulate", "first"),
    ("simulate", "last"),
)
#: The automation that somebody does not want.
PAUSED = "rollflow: crashed runs of services go on"
DEPLOY = ("--no-prompt", "deploy", "--all", "--prefect-file", "deployments/prefect.yaml")


@pytest.fixture(scope="module")
def deployed(prefect_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A Prefect server that has, for these tests, a work pool and the deployments of `prefect.yaml`."""
    home = tmp_path_factory.mktemp("deployed")
    place = desk(home, PREFECT_API_URL=prefect_url, PREFECT_HOME=str(home / "prefect"))
    assert succeeded(place.run("prefect", "work-pool", "create", "rollflow", "--type", "process"))
    assert succeeded(place.run("prefect", *DEPLOY))
    yield place
    assert succeeded(place.run("prefect", "--no-prompt", "deployment", "delete", "--all"))
    for automation in automations(prefect_url).values():
        ask("DELETE", f"{prefect_url}/automations/{automation['id']}").raise_for_status()


def automations(api: str) -> dict[str, dict[str, Any]]:
    """What the server does by itself, by name."""
    return {each["name"]: each for each in ask("POST", f"{api}/automations/filter", json={}).json()}


def flow_of(deployment: Deployment) -> Any:
    module, _, function = deployment.entrypoint.rpartition(".")
    return getattr(import_module(module), function)


def test_prefect_yaml_says_what_the_table_says() -> None:
    told = yaml.safe_load((TOP / "deployments" / "prefect.yaml").read_text("utf-8"))["deployments"]
    assert [(each["name"], each["entrypoint"], each["description"], each["tags"]) for each in told] == [
        (each.name, each.entrypoint, each.description, each.tags) for each in DEPLOYMENTS
    ]
    limits = [each.get("concurrency_limit") for each in told]
    assert limits == [each.limit and {"limit": each.limit, "collision_strategy": "ENQUEUE"} for each in DEPLOYMENTS]


def test_the_example_of_a_schedule_is_that_of_a_config_without_one_and_inactive() -> None:
    told = yaml.safe_load((TOP / "deployments" / "prefect.yaml").read_text("utf-8"))["deployments"]
    ((example,),) = [each["schedules"] for each in told if "schedules" in each]
    usual = schedule_for(ScheduleSection())
    assert (example["cron"], example["timezone"]) == (usual.cron, usual.timezone)
    assert example["active"] is False


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: each.name)
def test_a_form_describes_every_parameter(deployment: Deployment) -> None:
    flow = flow_of(deployment)
    fields = flow.parameters.properties
    assert flow.name == deployment.name
    assert fields
    assert [name for name, field in fields.items() if len(field.get("description", "")) < 10] == []
    assert [name for name, field in fields.items() if "type" not in field] == []


def test_what_is_asked_for_first_comes_first() -> None:
    forms = {each.name: list(flow_of(each).parameters.properties) for each in DEPLOYMENTS}
    assert forms["routine"][:3] == forms["first-train"][:3] == ["config", "day", "data"]
    assert forms["backfill"][:4] == forms["simulate"][:4] == ["config", "first", "last", "data"]


def test_days_are_dates_and_choices_are_choices() -> None:
    forms = {each.name: flow_of(each).parameters.properties for each in DEPLOYMENTS}
    assert {forms[name][day]["format"] for name, day in DAYS} == {"date"}
    assert forms["routine"]["runner"]["enum"] == ["thread", "process", "dask", "worker"]
    assert forms["worker"]["phase"]["enum"] == ["train", "prepare", "finish"]
    (routine,) = (flow_of(each) for each in DEPLOYMENTS if each.name == "routine")
    assert routine.validate_parameters({"day": "2026-11-25"})["day"] == date(2026, 11, 25)
    with pytest.raises(ParameterTypeError, match="day"):  # Prefect's API lets any text pass as a date
        routine.validate_parameters({"day": "tomorrow"})


def test_all_flows_are_deployed(deployed: Desk) -> None:
    listed = deployed.run("prefect", "deployment", "ls").out
    assert [each.name for each in DEPLOYMENTS if f"{each.name}/{each.name}" not in listed] == []


def test_a_service_has_the_schedule_of_its_config(deployed: Desk, prefect_url: str) -> None:
    config = deployed.config("new york.yaml")
    content = yaml.safe_load(config.read_text()) | {"experiment": "new york"}
    config.write_text(yaml.safe_dump(content | {"online": {"schedule": {"exchange": "XNYS"}}}))
    offered = ("--config", config, "--work-pool", "rollflow")
    assert succeeded(deployed.run("deployments.serve", *offered))
    paused = f"{prefect_url}/automations/{automations(prefect_url)[PAUSED]['id']}"
    ask("PATCH", paused, json={"enabled": False}).raise_for_status()
    assert succeeded(deployed.run("deployments.serve", *offered))  # again: nothing is there twice
    assert {name: each["enabled"] for name, each in automations(prefect_url).items()} == {
        PAUSED: False,
        "rollflow: silent runs have crashed": True,
    }
    service = ask("GET", f"{prefect_url}/deployments/name/routine/new york").json()
    (schedule,) = service["schedules"]
    assert (schedule["schedule"]["cron"], schedule["active"]) == ("0 19 * * 1,2,3,4,5", True)
    assert service["parameters"] == {"config": str(config)}
    assert service["global_concurrency_limit"]["limit"] == 1

    def starts() -> list[datetime]:
        runs = flow_runs(prefect_url, deployment_id={"any_": [service["id"]]})
        return [datetime.fromisoformat(run["expected_start_time"]) for run in runs]

    wait_until(lambda: len(starts()) >= 3)
    local = [start.astimezone(ZoneInfo("America/New_York")) for start in starts()]
    assert {start.strftime("%H:%M") for start in local} == {"19:00"}
    assert {start.weekday() for start in local} <= {0, 1, 2, 3, 4}
    assert len(set(local)) == len(local)


def test_a_config_that_is_wrong_is_one_line(deployed: Desk) -> None:
    outcome = deployed.run("deployments.serve", "--config", deployed.home / "none.yaml")
    assert outcome.status == 2
    assert outcome.err == f"error: config {deployed.home / 'none.yaml'}: does not exist\n"


def test_a_worker_of_a_work_pool_runs_a_deployment(deployed: Desk, tmp_path: Path) -> None:
    out = tmp_path / "features.parquet"
    parameters = ("--param", f"config={deployed.config()}", "--param", f"out={out}")
    assert succeeded(deployed.run("prefect", "deployment", "run", "features/features", *parameters))
    worker = deployed.run("prefect", "worker", "start", "--pool", "rollflow", "--run-once")
    assert out.exists(), worker.out + worker.err


def succeeded(outcome: Outcome) -> bool:
    """Whether a command ended well; otherwise what it said is in the failure."""
    assert outcome.status == 0, outcome.out + outcome.err
    return True


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({}, 201),
        ({"step": None, "config": None, "data": ""}, 201),  # nothing, said in words
        ({"config": "my.yaml", "data": "demo:", "experiment": "mine", "step": 20, "kind": "sliding"}, 201),
        ({"kind": "up"}, 409),
        ({"step": 0}, 409),
    ],
)
def test_parameters_are_checked_by_name(
    deployed: Desk, prefect_url: str, parameters: dict[str, object], status: int
) -> None:
    check_form(prefect_url, "rolling", parameters, status)


@pytest.mark.parametrize(("day", "status"), [("2026-11-25", 201), ("", 201), (3, 409)])
def test_a_day_is_a_date(deployed: Desk, prefect_url: str, day: object, status: int) -> None:
    check_form(prefect_url, "routine", {"day": day}, status)


def check_form(prefect_url: str, flow: str, parameters: dict[str, object], status: int) -> None:
    """What Prefect answers to a form."""
    deployment = ask("GET", f"{prefect_url}/deployments/name/{flow}/{flow}").json()["id"]
    body = {"parameters": parameters, "enforce_parameter_schema": True}
    reply = ask("POST", f"{prefect_url}/deployments/{deployment}/create_flow_run", json=body)
    assert reply.status_code == status, reply.text
    if status == 201:
        ask("DELETE", f"{prefect_url}/flow_runs/{reply.json()['id']}").raise_for_status()
