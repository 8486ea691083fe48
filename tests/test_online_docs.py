"""The promises of docs/online.md that a parser can check: its commands, its config, its names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

import components.serving
from components.config import parse_config
from flows.online import options
from flows.online.__main__ import _FLOWS, _OTHERS

TOP = Path(__file__).resolve().parents[1]
TEXT = (TOP / "docs" / "online.md").read_text("utf-8")
DEMO = (TOP / "components" / "config" / "demo.yaml").read_text("utf-8")
COMMANDS = re.findall(r"python -m flows\.online ([a-z-]+.*?)(?:\s{2,}#.*)?[`\n]", TEXT)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one(command: str) -> None:
    name, *arguments = shlex.split(command, comments=True)
    given, _ = (_FLOWS | _OTHERS)[name]
    assert given.parse(f"python -m flows.online {name}", arguments).model_dump()["config"] == "my.yaml"


def test_all_commands_are_told() -> None:
    assert {command.split()[0] for command in COMMANDS} == (_FLOWS | _OTHERS).keys() - {"backfill"}
    assert options.BackfillCommand.__doc__


def test_the_config_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.S)
    content = yaml.safe_load(text.replace("{model: {class: LinearModel}, dataset: ...}", "null"))
    config = parse_config(f"{DEMO}\n{yaml.safe_dump(content, sort_keys=False)}", "docs")
    assert list(config.strategies()) == ["trees", "lines"]
    assert [each.service.promotion.rule for each in config.strategies().values()] == ["newest", "never"]
    assert [each.rolling.step for each in config.strategies().values()] == [80, 20]
    assert config.service.portfolio
    assert config.service.portfolio.build_strategy().topk == 50


def test_qlibs_names_are_there() -> None:
    (line,) = re.findall(r"\n(`OnlineManager`.*?) of `components\.serving`", TEXT, re.S)
    assert all(hasattr(components.serving, name) for name in re.findall(r"`(\w+)`", line))
