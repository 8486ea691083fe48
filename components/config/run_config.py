"""A run's config: a Qlib workflow YAML as it is, with rollflow's own sections beside its `task`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from components.config.online.section import OnlineSection, StrategySection
from components.config.rolling import LeakRule, RollingSection
from components.config.yaml_text import LONGEST, load_yaml
from components.errors import InputError, nearest
from components.names import check_name
from components.tasks import TrainingTask

#: Sections of a Qlib YAML that only hold anchors for `task`, or settings that rollflow does not need.
_QLIB_ONLY = ("market", "benchmark", "data_handler_config", "port_analysis_config", "sys")
#: Qlib's name of a section, and ours.
_QLIB_NAMES = {"experiment_name": "experiment"}
#: Sections of Qlib's that would change the run, and what to do instead.
_REFUSED = {"BASE_CONFIG_PATH": "a config cannot include another one here; copy into it what it needs"}


class RetrySection(BaseModel):
    """How often, how soon and how long a window is tried."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    #: Attempts in all, the first included.
    attempts: int = Field(default=3, gt=0, le=1_000)
    #: Seconds before the second attempt, doubled with each failure.
    backoff: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    #: Time limit of an attempt in seconds; None: none.
    timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class QlibSection(BaseModel):
    """Qlib's `qlib_init`: only the place of the data matters here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    provider_uri: str | None = None

    @field_validator("provider_uri", mode="before")
    @classmethod
    def _daily(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            if list(value) != ["day"]:
                raise ValueError(f"only a folder of daily data can be used, not {', '.join(map(str, value))}")
            return value["day"]
        return value


class RunConfig(BaseModel):
    """The whole config of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    task: dict[str, Any]
    rolling: RollingSection = RollingSection()
    retry: RetrySection = RetrySection()
    #: Ways of knowing the future that are meant; the report says so.
    allow_leaks: tuple[LeakRule, ...] = ()
    #: What is served; None: one strategy of the task and its windows.
    online: OnlineSection | None = None
    #: Address of the market data; wins over `qlib_init`.
    data: str | None = None
    #: Name of the MLflow experiment, and of the pool unless `pool` is given.
    experiment: str | None = None
    #: Name of the task pool.
    pool: str | None = None
    qlib_init: QlibSection = QlibSection()

    @field_validator("experiment", "pool")
    @classmethod
    def _named(cls, value: str | None, info: ValidationInfo) -> str | None:
        return value if value is None else check_name(str(info.field_name), value)

    @property
    def market(self) -> str:
        """Address of the market data.

        Raises:
            InputError: when the config names none.
        """
        if address := self.data or self.task.get("data"):  # a task may say it, as those in the pool do
            return str(address)
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
        rolling = self.rolling.model_dump(exclude_unset=True)
        if step:  # days instead of the config's periods
            rolling = {k: v for k, v in rolling.items() if k not in ("every", "offset")} | {"step": step}
        retry = {"attempts": retries, "backoff": backoff, "timeout": timeout}
        changed: dict[str, Any] = {key: value for key, value in options.items() if value}
        changed["rolling"] = rolling | ({"type": kind} if kind else {})
        changed["retry"] = self.retry.model_dump() | {k: v for k, v in retry.items() if v is not None}
        # what the config does not say stays unsaid: sections tell that from a default that somebody has written
        return _validated(self.model_dump(exclude_unset=True) | changed, "options")

    @property
    def service(self) -> OnlineSection:
        """What is served."""
        return self.online or OnlineSection()

    def strategies(self) -> dict[str, RunConfig]:
        """The strategies that are served, by name, each as a config of its own; one is named for its model."""
        given = self.service.strategies or {str(self.template().model["class"]): StrategySection()}
        return {name: self._with_strategy(each) for name, each in given.items()}

    def _with_strategy(self, strategy: StrategySection) -> RunConfig:
        said = {
            "task": strategy.task or self.task,
            "rolling": strategy.rolling or self.rolling,
            "online": self.service.model_copy(update={"promotion": strategy.promotion or self.service.promotion}),
        }
        return self.model_copy(update=said)

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
    source = f"config {path}"
    try:
        if not path.is_file():
            raise InputError(f"{source}: {'is not a file' if path.exists() else 'does not exist'}")
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(LONGEST + 1)
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: is not text in UTF-8 (byte {error.start + 1}); save it as UTF-8") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{source}: cannot be read ({error})") from None
    return parse_config(text, str(path))


def parse_config(text: str, source: str) -> RunConfig:
    """The config in a YAML text; `source` names it in messages.

    Raises:
        InputError: as for `read_config`.
    """
    source = f"config {source}"
    sections = load_yaml(text, source, known=(*RunConfig.model_fields, *_QLIB_ONLY, *_QLIB_NAMES, *_REFUSED))
    for name, what_to_do in _REFUSED.items():
        if name in sections:
            raise InputError(f"{source}: {name}: {what_to_do}")
    if sections.get("task") is None:
        raise InputError(f"{source}: the section 'task' is missing{nearest('task', map(str, sections))}")
    content = {_QLIB_NAMES.get(name, name): value for name, value in sections.items() if name not in _QLIB_ONLY}
    content |= {name: sections[name] for name in _QLIB_NAMES.values() if name in sections}  # ours win
    return _validated({name: value for name, value in content.items() if value is not None}, source)


def _validated(content: Mapping[str, Any], source: str) -> RunConfig:
    for name in content:
        if not isinstance(name, str):
            raise InputError(f"{source}: the name of a section must be text, not {name!r:.60}")
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{source}: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        *sections, name = (str(part) for part in problem["loc"])
        return f"unknown key {where!r:.80}{nearest(name, _keys_of(sections))}"
    if problem["type"] == "value_error":  # said by us
        return f"{where}: {problem['ctx']['error']}"
    return f"{where}: {problem['msg']}, got {problem['input']!r:.60}"


def _keys_of(sections: Sequence[str]) -> Iterable[str]:
    """The keys of a section within sections, some of which have names that a user chose."""
    found: Any = RunConfig
    for name in sections:
        found = get_args(found)[1] if get_origin(found) is dict else found.model_fields[name].annotation
        if get_origin(found) is not dict:  # one that may be None
            found = next((part for part in get_args(found) if hasattr(part, "model_fields")), found)
    return list(found.model_fields)
