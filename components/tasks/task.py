"""The unit of work: what to train, on which days."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, ClassVar

from components.data.calendar import Segment
from components.errors import InputError, nearest

Json = Any

_SECTIONS = ("model", "dataset", "record", "data")
#: Before the fingerprint of the data that a task can see.
_FINGERPRINT = "fingerprint:"
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Json:
    """A JSON form of `value`: tuples become lists, dates ``YYYY-MM-DD``, mappings plain dicts.

    Raises:
        InputError: for a value that has no such form, naming where it stands.

    """
    return _plain(value, "")


def _plain(value: Any, where: str) -> Json:
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{where.lstrip('.') or 'value'}: {value} cannot be stored as JSON; use null or a number")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{place}]") for place, item in enumerate(value)]
    raise InputError(f"{where.lstrip('.') or 'value'}: a {type(value).__name__} cannot be stored as JSON")


def canonical(value: Json) -> str:
    """The one spelling of a JSON value: keys sorted, no white space.

    Raises:
        InputError: for NaN or an infinity, naming where it stands.

    """
    try:
        return _CANONICAL.encode(value)
    except ValueError:
        plain(value)  # says where the number stands
        raise


def content_key(value: Json) -> str:
    """SHA-256 of the canonical form, in hexadecimal: equal definitions have equal keys."""
    return text_key(canonical(value).encode())


def text_key(text: bytes) -> str:
    """`content_key` of the value whose canonical form this is."""
    return hashlib.sha256(text).hexdigest()


@dataclass(frozen=True, kw_only=True)
class TrainingTask:
    """One model to train: descriptions of model and dataset, the records to write, and the data.

    A task is bound to data by a fingerprint of all that it can see. Then it is the same task in any folder and
    format, and another one as soon as a bar that it sees is another. Where such data is found is not a part of it.

    Descriptions keep Qlib's form (``class``, ``module_path``, ``kwargs``). The task is a value: never change
    the mappings inside, use the ``with_`` methods.
    """

    #: Definitions in the pool that do not name their kind are of this one.
    kind: ClassVar[str] = "training"

    #: Description of the model.
    model: Mapping[str, Json]
    #: Description of the dataset; its kwargs hold the handler and the segments.
    dataset: Mapping[str, Json]
    #: Descriptions of the records to write after training.
    record: tuple[Mapping[str, Json], ...] = ()
    #: ``fingerprint:SHA-256`` of the data that it sees; or, as long as it is not bound, an address of market data
    #: (``demo:``, ``qlib:PATH``, ...); None: whoever trains decides.
    data: str | None = field(default=None)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TrainingTask:
        """Read the `task` section of a config, Qlib's own form.

        Raises:
            InputError: for an unknown or missing key, naming the nearest right one.

        """
        for key in config:
            if key not in _SECTIONS:
                raise InputError(f"task: unknown key {key!r}{nearest(key, _SECTIONS)}")
        for key in ("model", "dataset"):
            if not isinstance(config.get(key), Mapping):
                raise InputError(f"task: the section {key!r} is missing; it needs class, module_path and kwargs")
        _check_description("task.model", config["model"])
        record = config.get("record") or ()
        if isinstance(record, Mapping):
            record = (record,)
        if not isinstance(record, list | tuple):
            raise InputError(
                f"task.record: expected a list of descriptions with class and kwargs, not {record!r:.80}"
            )
        for place, each in enumerate(record):
            _check_description(f"task.record[{place}]", each)
        if not isinstance(config["dataset"].get("kwargs") or {}, Mapping):
            raise InputError(
                f"task.dataset.kwargs: expected names and values, not {config['dataset']['kwargs']!r:.80}"
            )
        if not isinstance(config.get("data"), str | None):
            raise InputError(f"task.data: expected the address of a market, not {config['data']!r:.80}")
        task = cls(
            model=plain(config["model"]),
            dataset=plain(config["dataset"]),
            record=tuple(plain(list(record))),
            data=config.get("data"),
        )
        segments = task._dataset_kwargs().get("segments")
        if not isinstance(segments, Mapping) or not segments:
            raise InputError("task.dataset.kwargs.segments is missing; give at least train and test")
        for name, segment in segments.items():
            if not isinstance(segment, list | tuple) or len(segment) != 2:
                raise InputError(f"task.dataset.kwargs.segments.{name}: expected [first day, last day]")
        _check_handler(task._dataset_kwargs().get("handler"))
        return task

    def to_config(self) -> dict[str, Json]:
        """The JSON form; ``from_config`` of it is an equal task."""
        config = {
            "model": self.model,
            "dataset": self.dataset,
            "record": list(self.record),
            "data": self.data,
        }
        return {key: plain(value) for key, value in config.items() if value not in (None, [])}

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON form: the identity of the task, its id in the pool."""
        return content_key(self.to_config())

    @property
    def segments(self) -> dict[str, Segment]:
        """Name -> (first day, last day), inclusive, in the order of the config."""
        return {name: (start, end) for name, (start, end) in self._dataset_kwargs()["segments"].items()}

    @property
    def name(self) -> str:
        """What people tell it from its like by: the first day of its test segment."""
        return str(self.segments.get("test", (self.key[:12],))[0])

    @property
    def handler(self) -> dict[str, Json]:
        """Description of the data handler."""
        return dict(self._dataset_kwargs()["handler"])

    def with_segments(self, segments: Mapping[str, Segment]) -> TrainingTask:
        """The same task on other days."""
        return self._with_dataset_kwargs(segments={name: list(segment) for name, segment in segments.items()})

    def with_handler_kwargs(self, **kwargs: Json) -> TrainingTask:
        """The same task, some arguments of its handler replaced."""
        handler = self.handler
        return self._with_dataset_kwargs(handler={**handler, "kwargs": {**(handler.get("kwargs") or {}), **kwargs}})

    def with_model_kwargs(self, **kwargs: Json) -> TrainingTask:
        """The same task, some arguments of its model replaced."""
        return replace(self, model={**self.model, "kwargs": {**(self.model.get("kwargs") or {}), **plain(kwargs)}})

    def with_data(self, address: str | None) -> TrainingTask:
        """The same task on the market data of an address, whatever it is."""
        return replace(self, data=address)

    def bound_to(self, fingerprint: str) -> TrainingTask:
        """The same task on exactly the data that has this fingerprint."""
        return replace(self, data=f"{_FINGERPRINT}{fingerprint}")

    @property
    def fingerprint(self) -> str | None:
        """Fingerprint of the data that the task sees; None: it is not bound to data."""
        return self.data.removeprefix(_FINGERPRINT) if self.data and self.data.startswith(_FINGERPRINT) else None

    @property
    def address(self) -> str | None:
        """Address of its market data; None: the task does not say."""
        return None if self.fingerprint else self.data

    @property
    def unbound_key(self) -> str:
        """SHA-256 of all but the data: what is the same of tasks that only see other data."""
        return replace(self, data=None).key

    def _dataset_kwargs(self) -> dict[str, Json]:
        return dict(self.dataset.get("kwargs") or {})

    def _with_dataset_kwargs(self, **kwargs: Json) -> TrainingTask:
        return replace(self, dataset={**self.dataset, "kwargs": {**self._dataset_kwargs(), **plain(kwargs)}})


def _check_description(where: str, description: Json) -> None:
    """Refuse what names no class."""
    if not isinstance(description, Mapping) or not isinstance(name := description.get("class"), str) or not name:
        raise InputError(f"{where}: expected a class with module_path and kwargs, not {description!r:.80}")


def _check_handler(handler: Json) -> None:
    """Refuse what describes no data handler."""
    where = "task.dataset.kwargs.handler"
    if handler is None:
        raise InputError(f"{where} is missing; it needs class, module_path and kwargs")
    if isinstance(handler, str):
        raise InputError(
            f"{where}: {handler!r:.80} names a dumped handler, which would have to be unpickled; "
            "describe it with class, module_path and kwargs, its features are kept and reused anyway"
        )
    if not isinstance(handler, Mapping) or not isinstance(handler.get("class"), str):
        raise InputError(f"{where}: expected class, module_path and kwargs, not {handler!r:.80}")
    if not isinstance(handler.get("kwargs") or {}, Mapping):
        raise InputError(f"{where}.kwargs: expected names and values, not {handler['kwargs']!r:.80}")
