"""A run's config: a Qlib workflow YAML as it is, with rollflow's own sections beside its `task`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, ValidationError

from components.errors import InputError, nearest
from components.tasks import TrainingTask

#: Sections of a Qlib YAML that only hold anchors for `task`, or settings that rollflow does not need.
_QLIB_ONLY = ("market", "benchmark", "data_handler_config", "port_analysis_config", "sys")


class RollingSection(BaseModel):
    """How the windows roll."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Trading days from one window to the next, the length of each test segment.
    step: PositiveInt = 40
    #: Whether the training segment grows or moves.
    type: Literal["expanding", "sliding"] = "expanding"
    #: Trading days left out before the test segment; auto: as many as the label looks ahead.
    gap: NonNegativeInt | Literal["auto"] = "auto"
    #: What becomes of a last test segment that would pass the wanted end.
    last: Literal["full", "clip", "drop"] = "full"
    #: Whether all windows use the bins of the first one's training days, see `LGBModel`.
    shared_bins: bool = False


class RetrySection(BaseModel):
    """How often, how soon and how long a window is tried."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Attempts in all, the first included.
    attempts: PositiveInt = 3
    #: Seconds before the second attempt, doubled with each failure.
    backoff: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    #: Time limit of an attempt in seconds; None: none.
    timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class QlibSection(BaseModel):
    """Qlib's `qlib_init`: only the place of the data matters here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    provider_uri: str | None = None


class RunConfig(BaseModel):
    """The whole config of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    task: dict[str, Any]
    rolling: RollingSection = RollingSection()
    retry: RetrySection = RetrySection()
    #: Address of the market data; wins over `qlib_init`.
    data: str | None = None
    #: Name of the MLflow experiment, and of the pool unless `pool` is given.
    experiment: str | None = Field(default=None, min_length=1, max_length=120)
    #: Name of the task pool.
    pool: str | None = Field(default=None, min_length=1, max_length=100)
    qlib_init: QlibSection = QlibSection()

    @property
    def market(self) -> str:
        """Address of the market data.

        Raises:
            InputError: when the config names none.
        """
        if self.data:
            return self.data
        if self.qlib_init.provider_uri:
            return f"qlib:{self.qlib_init.provider_uri}"
        raise InputError("the config names no market data; add 'data: qlib:PATH' to it or pass --data")

    @property
    def experiment_name(self) -> str:
        """Name of the MLflow experiment."""
        return self.experiment or "rolling"

    @property
    def pool_name(self) -> str:
        """Name of the task pool."""
        return self.pool or self.experiment_name

    def with_options(
        self,
        *,
        step: int | None = None,
        kind: str | None = None,
        retries: int | None = None,
        backoff: float | None = None,
        timeout: float | None = None,
        **options: str | None,
    ) -> RunConfig:
        """The config with what a command line or a form says instead; None, 0 and empty text say nothing.

        Raises:
            InputError: for a value that the config would not take either.
        """
        rolling = {"step": step, "type": kind}
        retry = {"attempts": retries, "backoff": backoff, "timeout": timeout}
        changed: dict[str, Any] = {key: value for key, value in options.items() if value}
        changed["rolling"] = self.rolling.model_dump() | {k: v for k, v in rolling.items() if v}
        changed["retry"] = self.retry.model_dump() | {k: v for k, v in retry.items() if v is not None}
        return _validated(self.model_dump() | changed, "options")

    def template(self) -> TrainingTask:
        """The task from which the windows are made."""
        return TrainingTask.from_config(self.task)


def read_config(path: Path | None) -> RunConfig:
    """Read a config file; None is the built-in run on the demo market.

    Raises:
        InputError: for a missing file, YAML that cannot be read, or an unknown or wrong entry.
    """
    if path is None:
        return parse_config(resources.files("components.config").joinpath("demo.yaml").read_text("utf-8"), "demo")
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"config {path}: cannot be read ({error})") from None
    return parse_config(text, str(path))


def parse_config(text: str, source: str) -> RunConfig:
    """The config in a YAML text; `source` names it in messages.

    Raises:
        InputError: as for `read_config`.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InputError(f"config {source}{place}: not YAML ({getattr(error, 'problem', error)})") from None
    if not isinstance(content, Mapping) or "task" not in content:
        raise InputError(f"config {source}: the section 'task' is missing")
    content = {name: value for name, value in content.items() if name not in _QLIB_ONLY}
    if name := content.pop("experiment_name", None):  # as Qlib's qrun calls it
        content.setdefault("experiment", name)
    return _validated(content, f"config {source}")


def _validated(content: Mapping[str, Any], source: str) -> RunConfig:
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{source}: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        *sections, name = (str(part) for part in problem["loc"])
        model = RollingSection if sections == ["rolling"] else RunConfig
        return f"unknown key {where!r}{nearest(name, model.model_fields)}"
    return f"{where}: {problem['msg']}, got {problem['input']!r:.60}"
