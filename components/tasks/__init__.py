"""Tasks and the generators that make many of one."""

from components.tasks.generator import TaskGen, task_generator
from components.tasks.grid import GridGen
from components.tasks.horizon import MultiHorizonGen, return_label
from components.tasks.kinds import Task, kind_of
from components.tasks.rolling import RollingGen
from components.tasks.task import Json, TrainingTask, canonical, content_key, plain, text_key

__all__ = [
    "GridGen",
    "Json",
    "MultiHorizonGen",
    "RollingGen",
    "Task",
    "TaskGen",
    "TrainingTask",
    "canonical",
    "content_key",
    "kind_of",
    "plain",
    "return_label",
    "task_generator",
    "text_key",
]
