"""The records of a task, from their descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from components.build import build, find_class
from components.data import Market
from components.errors import InputError
from components.features import DatasetH
from components.models import Model
from components.records import Record
from components.tasks import Json, TrainingTask

#: What is recorded when a task does not say.
_DEFAULT: tuple[Mapping[str, Json], ...] = (
    {"class": "SignalRecord", "kwargs": {"model": "<MODEL>", "dataset": "<DATASET>"}},
    {"class": "SigAnaRecord", "kwargs": {"ana_long_short": True}},
)
#: What stands in a description, as ``<NAME>``, for an object of the training.
_PLACEHOLDERS = ("MODEL", "DATASET", "PRED")


def record_configs(task: TrainingTask) -> tuple[Mapping[str, Json], ...]:
    """The descriptions of a task's records, or of those that are made when it names none."""
    return task.record or _DEFAULT


def record_class(config: Mapping[str, Json], trusted: Iterable[str] = ()) -> type[Record]:
    """The class of a record's description.

    Raises:
        InputError: when there is none, or it is not one of a record.
    """
    return find_class(config, Record, default_module="components.tracking", trusted=trusted)


def build_records(
    task: TrainingTask, model: Model, dataset: DatasetH, market: Market, trusted: Iterable[str] = ()
) -> list[Record]:
    """All records of a training.

    Raises:
        InputError: for a record that does not exist or has wrong arguments.
    """
    return _build(record_configs(task), {"MODEL": model, "DATASET": dataset, "PRED": None}, market, trusted)


def analyses_of(task: TrainingTask, market: Market, trusted: Iterable[str] = ()) -> list[Record]:
    """The records that build on the signal alone, and so also apply to the joined signal of many windows.

    Raises:
        InputError: for a record that does not exist or has wrong arguments.
    """
    configs = [config for config in record_configs(task) if not record_class(config, trusted).needs_model]
    # the model and its dataset are gone by then; Qlib's strategies name them for the signal
    return _build(configs, dict.fromkeys(_PLACEHOLDERS), market, trusted)


def check_placeholders(config: Mapping[str, Json]) -> None:
    """Do nothing for a description all of whose placeholders are known.

    Raises:
        InputError: for one that is not.
    """
    _fill(config, dict.fromkeys(_PLACEHOLDERS))


def _build(
    configs: Iterable[Mapping[str, Json]], objects: Mapping[str, Any], market: Market, trusted: Iterable[str]
) -> list[Record]:
    filled = [_fill(config, objects) for config in configs]
    # as Qlib does where a description is silent
    given = {name.lower(): objects[name] for name in ("MODEL", "DATASET") if objects[name] is not None}
    return [
        build(config, Record, default_module="components.tracking", trusted=trusted, market=market, **given)
        for config in filled
    ]


def _fill(value: Json, objects: Mapping[str, Any]) -> Any:
    """A description in which ``<NAME>`` is replaced by the object of that name."""
    if isinstance(value, Mapping):
        return {key: _fill(item, objects) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, objects) for item in value]
    if isinstance(value, str) and value.startswith("<") and value.endswith(">"):
        name = value[1:-1]
        if name not in objects:
            known = ", ".join(f"<{each}>" for each in objects)
            raise InputError(f"task.record: unknown placeholder {value!r:.60}; known are {known}")
        return objects[name]
    return value
