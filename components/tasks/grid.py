"""One task per combination of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from components.errors import InputError, nearest
from components.tasks.generator import TaskGen
from components.tasks.task import Json, TrainingTask, plain


@dataclass(frozen=True)
class GridGen(TaskGen):
    """The template once per combination of values, the last parameter changing fastest.

    A parameter is a dotted path into the task's config that must stand there already, so that a misspelt one is
    not added beside the right one: ``model.kwargs.seed``, ``record.0.kwargs.ana_long_short``, or a whole section
    such as ``model``.
    """

    #: Dotted path -> the values it takes.
    grid: Mapping[str, Sequence[Json]]

    def __post_init__(self) -> None:
        if not self.grid:
            raise InputError("a grid needs at least one parameter, such as {'model.kwargs.seed': [1, 2, 3]}")
        for path, values in self.grid.items():
            if isinstance(values, str) or not isinstance(values, Sequence) or not values:
                raise InputError(f"grid: {path} needs a list of at least one value, got {values!r}")

    def generate(self, task: TrainingTask) -> list[TrainingTask]:
        """One task per combination.

        Raises:
            InputError: when a path does not stand in the task, naming the nearest one.

        """
        tasks = []
        for values in product(*self.grid.values()):
            config: Json = task.to_config()
            for path, value in zip(self.grid, values, strict=True):
                config = _replaced(config, path.split("."), plain(value), path)
            tasks.append(TrainingTask.from_config(config))
        return tasks


def _replaced(config: Json, steps: Sequence[str], value: Json, path: str) -> Json:
    """A copy of `config` with the value at the path replaced."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(config, Mapping) and step in config:
        return {**config, step: _replaced(config[step], rest, value, path)}
    if isinstance(config, list) and step.isdecimal() and int(step) < len(config):
        place = int(step)
        return [*config[:place], _replaced(config[place], rest, value, path), *config[place + 1 :]]
    known = config if isinstance(config, Mapping) else [str(place) for place in range(_length(config))]
    here = path.split(".")[: -len(steps)]
    raise InputError(
        f"grid: {path} does not stand in the task: no {step!r} in {'.'.join(here) or 'it'}{nearest(step, known)}; "
        "give the template a value for it first"
    )


def _length(config: Json) -> int:
    return len(config) if isinstance(config, list) else 0
