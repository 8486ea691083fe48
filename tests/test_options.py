"""The options of the flows: each told once, for the command line, Prefect's form and Python."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Desk, desk
from prefect.exceptions import ParameterTypeError

from components.errors import InputError
from components.pool import TaskPool, TaskStatus
from components.pool.mongod import embedded_mongo
from flows.rolling.flow import rolling
from flows.rolling.options import RollingCommand, RollingOptions

NAMES = [
    "config",
    "data",
    "experiment",
    "pool",
    "retries",
    "backoff",
    "timeout",
    "step",
    "kind",
    "runner",
    "workers",
    "dask",
]


def parse(*arguments: str) -> RollingCommand:
    return RollingCommand.parse("rolling", arguments)


def test_a_command_line_gives_typed_options(tmp_path: Path) -> None:
    options = parse(
        "my.yaml", "--step", "20", "--backoff", "0", "--kind", "sliding", "--json", f"{tmp_path}/o.json"
    )
    assert (options.config, options.step, options.backoff, options.runner) == ("my.yaml", 20, 0.0, "thread")
    assert (options.outcome, options.plan) == (tmp_path / "o.json", False)
    assert options.given(RollingOptions) == {
        "config": "my.yaml",
        "step": 20,
        "backoff": 0.0,
        "kind": "sliding",
    }
    assert list(tmp_path.iterdir()) == []  # that the file can be written was tried


def test_the_form_of_prefect_has_a_plain_typed_field_for_each() -> None:
    fields = rolling.parameters.properties
    assert list(fields) == NAMES
    assert rolling.parameters.required == []
    assert (fields["step"]["type"], fields["step"]["exclusiveMinimum"]) == ("integer", 0)
    assert [name for name, field in fields.items() if "default" in field] == ["runner"]  # else the form sends null
    assert fields["kind"]["enum"] == ["expanding", "sliding"]
    assert fields["runner"]["default"] == "thread"
    assert fields["step"]["description"] == "Trading days from one window to the next; default: as the config says."


def test_the_signature_of_python_is_the_same() -> None:
    assert list(inspect.signature(rolling.fn).parameters) == NAMES
    assert "kind: Whether the training segment grows or moves" in (rolling.fn.__doc__ or "")
    assert rolling.validate_parameters({"step": "3", "kind": "", "data": None})["step"] == 3
    with pytest.raises(ParameterTypeError, match="step"):
        rolling.validate_parameters({"step": 0})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--step", "0"], "argument --step: 0 is not a positive number"),
        (["--step", "x"], "argument --step: x is not a whole number"),
        (["--step", "9" * 12], "argument --step: 999999999999 is too large"),
        (["--backoff", "-1"], "argument --backoff: -1 is below zero"),
        (["--timeout", "inf"], "argument --timeout: inf is not a finite number"),
        (["--timeout", "soon"], "argument --timeout: soon is not a number"),
        (["--stepp", "3"], "unknown option --stepp; did you mean '--step'?"),
        (["--kind", "up"], "argument --kind: invalid choice: 'up' (choose from"),
        (["--json", "/"], "argument --json: / is a folder; give the name of a file"),
        (["--json", "/nowhere/o.json"], "argument --json: the folder /nowhere does not exist"),
        (["--json", "/" + "x" * 300], "cannot be written (File name too long)"),
        (["one.yaml", "two.yaml"], "unknown option two.yaml"),
    ],
)
def test_a_wrong_option_is_one_line(arguments: list[str], message: str) -> None:
    with pytest.raises(InputError) as raised:
        parse(*arguments)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("flow", ["rolling", "train", "features", "worker"])
def test_help_waits_for_no_large_library(flow: str) -> None:
    command = [sys.executable, "-X", "importtime", "-m", f"flows.{flow}", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "exit status: 0" in shown.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in shown.stderr.splitlines()}
    assert "pydantic" in imported
    assert imported.isdisjoint({"numpy", "pandas", "pyarrow", "lightgbm", "numba", "pymongo", "mlflow", "prefect"})


@pytest.fixture
def here(tmp_path: Path, prefect_url: str) -> Desk:
    return desk(tmp_path, PREFECT_API_URL=prefect_url)


@pytest.mark.acceptance
def test_attempts_and_time_limit_are_those_that_were_asked_for(here: Desk) -> None:
    config = here.config(seconds=60.0)
    options = ["--retries", 2, "--backoff", 0, "--timeout", 0.5, "--step", 200]
    outcome = here.run("flows.rolling", config, *options)
    assert outcome.status == 1
    assert "failed after 2 attempts: TimeExceeded: the training took longer than 0.5 s" in outcome.out


@pytest.mark.acceptance
def test_the_config_says_how_often_a_window_is_tried(here: Desk) -> None:
    broken = here.home / "broken"
    broken.write_text("2016-04-01")
    config = here.config(fail=str(broken))
    config.write_text(config.read_text() + "retry: {attempts: 1}\n")
    assert here.run("flows.rolling", config, "--step", 200).status == 1
    with embedded_mongo(here.home / "rollflow") as url, TaskPool(url, name="small") as pool:
        (record,) = pool.find()
        assert (record.status, record.attempts) == (TaskStatus.FAILED, 1)
