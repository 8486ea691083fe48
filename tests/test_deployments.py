"""The deployments, as the README offers them: a work pool, `prefect deploy`, a worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Desk, Outcome, desk
from servers import ask

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


def test_all_flows_are_deployed(deployed: Desk) -> None:
    listed = deployed.run("prefect", "deployment", "ls").out
    assert "rolling/rolling" in listed
    assert "features/features" in listed


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
    deployment = ask("GET", f"{prefect_url}/deployments/name/rolling/rolling").json()["id"]
    body = {"parameters": parameters, "enforce_parameter_schema": True}
    reply = ask("POST", f"{prefect_url}/deployments/{deployment}/create_flow_run", json=body)
    assert reply.status_code == status, reply.text
    if status == 201:
        ask("DELETE", f"{prefect_url}/flow_runs/{reply.json()['id']}").raise_for_status()
