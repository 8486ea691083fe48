"""What turns one task into many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from components.tasks.task import TrainingTask


class TaskGen(ABC):
    """Makes tasks of one template. Generators compose: see `task_generator`."""

    @abstractmethod
    def generate(self, task: TrainingTask) -> list[TrainingTask]:
        """The tasks made of the template, which itself stays as it is.

        Raises:
            InputError: when the template does not suit the generator.

        """


def task_generator(
    templates: TrainingTask | Iterable[TrainingTask], generators: TaskGen | Iterable[TaskGen]
) -> list[TrainingTask]:
    """Every template through every generator: 3 templates, one making 2 of each and one making 3, give 18 tasks.

    Each generator works on all that the one before it made, so tasks of one template stay together, and below
    it the tasks of one result of the first generator.

    Raises:
        InputError: when a template does not suit a generator.

    """
    tasks = [templates] if isinstance(templates, TrainingTask) else list(templates)
    for generator in [generators] if isinstance(generators, TaskGen) else generators:
        tasks = [made for task in tasks for made in generator.generate(task)]
    return tasks
