"""The files for containers, as far as they can be checked without any: what they name is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from commands import TOP

from components.settings import Settings

COMPOSE = yaml.safe_load((TOP / "deployments" / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (TOP / "deployments" / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
VARIABLES = re.findall(
    r"(?<!\$)\$\{(\w+)(:[-?][^${}]*)?", (TOP / "deployments" / "compose.yaml").read_text("utf-8")
)


def commands(service: dict[str, Any]) -> Iterator[list[str]]:
    """The commands of a service that run something of this environment."""
    command = [str(part) for part in service.get("command", [])]
    if command[:2] == ["sh", "-euc"]:
        yield from (shlex.split(line) for line in command[2].splitlines() if line)
    elif command:
        yield command


def interpolated(text: str) -> str:
    """A value as Compose makes it where every variable is set to "x" that has no default."""
    variable = re.compile(r"\$\{\w+(?::([-?])([^${}]*))?\}")
    while variable.search(text):
        text = variable.sub(lambda found: (found[2] if found[1] == "-" else "x") or "", text)
    return text


OURS = [(name, command) for name, service in SERVICES.items() for command in commands(service)]


def words(command: list[str]) -> list[str]:
    """The command without its options and arguments: a module of Python, or a program and its subcommands."""
    if command[0] == "python":
        return ["-m", command[2]]
    return ["-m", *command[: next(place for place, part in enumerate(command) if part.startswith("-"))]]


@cache
def usage(*command: str) -> str:
    return subprocess.run(
        [sys.executable, *command, "--help"], cwd=TOP, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(("name", "command"), OURS, ids=[" ".join(words(each)) for _, each in OURS])
def test_every_command_has_the_options_that_it_is_given(name: str, command: list[str]) -> None:
    bare = [part for part in words(command) if part != "rollflow"]  # the name of a work pool
    shown = usage(*bare)
    options = [part for part in command if part.startswith("--")]
    assert [option for option in options if option not in shown] == []


def test_no_password_has_a_default() -> None:
    required = {name for name, default in VARIABLES if default.startswith(":?")}
    assert required == {
        "MONGO_KEY",
        "MONGO_PASSWORD",
        "POSTGRES_PASSWORD",
        "PREFECT_AUTH",
        "ROLLFLOW_CONFIGS",
        "ROLLFLOW_DATA",
    }
    assert {name for name, default in VARIABLES if not default} <= required
    assert {name for name, default in VARIABLES if default == ":-"} == {
        "ROLLFLOW_NOTIFY",
        "ROLLFLOW_TRUSTED_MODULES",
        "ROLLFLOW_WEBHOOK",
    }


def test_every_variable_is_described() -> None:
    described = (TOP / "docs" / "deployment.md").read_text("utf-8")
    assert [name for name, _ in VARIABLES if f"`{name}`" not in described] == []


def test_every_service_and_volume_that_is_named_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= SERVICES.keys()
        named = [volume.split(":")[0] for volume in service.get("volumes", ()) if volume[0] not in "$./"]
        assert set(named) <= COMPOSE["volumes"].keys()
        assert {each["source"] for each in service.get("configs", ())} <= COMPOSE["configs"].keys()


def test_who_is_waited_for_says_when_it_is_well() -> None:
    for service in SERVICES.values():
        for name, need in service.get("depends_on", {}).items():
            if need["condition"] == "service_healthy":
                assert SERVICES[name]["healthcheck"]["test"]


def test_addresses_are_those_of_services_on_their_ports() -> None:
    ports = {"mongo": 27017, "postgres": 5432}
    for name, command in OURS:
        if "--port" in command:
            ports[name] = int(command[command.index("--port") + 1])
    values = [
        interpolated(str(value)) for each in SERVICES.values() for value in each.get("environment", {}).values()
    ]
    hosts = [urlsplit(value).netloc.rpartition("@")[2] for value in values if "://" in value]
    found = {(host, int(port)) for host, _, port in (each.partition(":") for each in hosts) if host != "127.0.0.1"}
    assert found == set(ports.items())
    for name, service in SERVICES.items():
        for published in service.get("ports", ()):
            assert re.fullmatch(rf"127\.0\.0\.1:\d+:{ports[name]}", published)


def test_settings_are_those_that_rollflow_knows() -> None:
    for service in SERVICES.values():
        given = {
            name: interpolated(value)
            for name, value in service.get("environment", {}).items()
            if name.startswith("ROLLFLOW_")
        }
        Settings.from_env(given)  # raises for an unknown one


def test_the_image_is_made_of_what_is_there_by_nobody_special() -> None:
    copied = [line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ")]
    sources = [source for line in copied for source in line]
    assert all((TOP / source).exists() for source in sources)
    let_in = [line[1:] for line in (TOP / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(sources) == sorted(let_in)
    users = re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE)
    assert users == ["rollflow"]
    assert "--constraint constraints.txt" in DOCKERFILE
    assert re.search(r"^FROM python:3\.1[1-9]-slim", DOCKERFILE, re.MULTILINE)


def test_the_work_pool_has_one_name() -> None:
    served = yaml.safe_load((TOP / "deployments" / "prefect.yaml").read_text("utf-8"))["deployments"]
    assert {each["work_pool"]["name"] for each in served} == {"rollflow"}
    for name in ("deploy", "worker"):
        for command in commands(SERVICES[name]):
            assert "rollflow" in command
