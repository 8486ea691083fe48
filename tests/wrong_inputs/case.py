"""What a wrong input is: a command, what it finds, and what it must say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from dataset_configs import dataset

#: A run on the demo market that is right; the cases change one thing of it.
CONFIG: dict[str, Any] = {
    "data": "demo:?instruments=10&years=2",
    "experiment": "wrong",
    "task": {
        "model": {"class": "LinearModel", "kwargs": {}},
        "dataset": dataset(
            "all",
            [["$close/Ref($close, 1)", "$open/$close"], ["ROC", "KLEN"]],
            [["Ref($close, -2)/Ref($close, -1) - 1"], ["LABEL0"]],
            train=["2015-02-02", "2015-12-31"],
            valid=["2016-01-04", "2016-03-31"],
            test=["2016-04-01", "2016-11-30"],
        ),
        "record": [
            {"class": "SignalRecord", "kwargs": {"model": "<MODEL>", "dataset": "<DATASET>"}},
            {"class": "SigAnaRecord", "kwargs": {}},
        ],
    },
    "rolling": {"step": 60},
}
HANDLER = "task.dataset.kwargs.handler"
LOADER = f"{HANDLER}.kwargs.data_loader.kwargs.config"
SEGMENTS = "task.dataset.kwargs.segments"

#: Writes what a command needs into the folder that it runs in.
Prepare = Callable[[Path], None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One wrong input."""

    name: str
    #: Part of the one line that is to be said.
    says: str
    command: str = "flows.rolling"
    arguments: Sequence[str] = ("run.yaml",)
    environ: Mapping[str, str] = field(default_factory=dict)
    prepare: Prepare = lambda _: None


def without(path: str, config: dict[str, Any] | None = None) -> dict[str, Any]:
    """The config without the value at a dotted path."""
    config, *above, name = json.loads(json.dumps(config or CONFIG)), *path.split(".")
    del _inner(config, above)[name]
    return config


def changed(path: str, value: Any, config: dict[str, Any] | None = None) -> dict[str, Any]:
    """The config with another value at a dotted path."""
    config, *above, name = json.loads(json.dumps(config or CONFIG)), *path.split(".")
    _inner(config, above)[name] = value
    return config


def _inner(config: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    inner = config
    for part in path:
        inner = inner.setdefault(part, {})
    return inner


def write_config(config: Any) -> Prepare:
    """Writes ``run.yaml``."""
    return lambda folder: (folder / "run.yaml").write_text(yaml.safe_dump(config, sort_keys=False)) and None


def write_text(text: str | bytes, name: str = "run.yaml") -> Prepare:
    """Writes a file as it is."""
    content = text.encode() if isinstance(text, str) else text
    return lambda folder: (folder / name).write_bytes(content) and None


def with_value(path: str, value: Any, says: str, **case: Any) -> Case:
    """The config with one wrong value."""
    name = f"{path.rpartition('kwargs.')[2]}: {json.dumps(value, default=str)[:40]}, {says[:60]}"
    return Case(name=name, says=says, prepare=write_config(changed(path, value)), **case)


def lacking(path: str, says: str) -> Case:
    """The config with something missing."""
    return Case(name=f"no {path}", says=says, prepare=write_config(without(path)))
