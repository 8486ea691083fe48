"""What is installed is what is there."""

from __future__ import annotations

import tomllib
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]


def test_every_package_is_installed() -> None:
    settings = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
    there = {
        ".".join(file.parent.relative_to(TOP).parts)
        for root in ("components", "flows", "deployments")
        for file in (TOP / root).rglob("__init__.py")
    }
    assert set(settings["tool"]["setuptools"]["packages"]) == there
