"""Tasks and the generators that make many of one."""

from components.tasks.task import Json, Segment, TrainingTask, canonical, content_key, plain

__all__ = ["Json", "Segment", "TrainingTask", "canonical", "content_key", "plain"]
