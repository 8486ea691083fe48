"""Models, datasets and the training of tasks."""

from components.build import build
from components.training.dataset import DatasetH, build_handler, open_dataset
from components.training.gbdt import LGBModel
from components.training.linear import LinearModel
from components.training.model import Fit, Model, NotFitted, Progress
from components.training.run import AttemptFailed, Interrupted, run_task, run_tasks, this_process
from components.training.train import Stopwatch, TrainResult, analyses_of, build_model, record_class, train_task

__all__ = [
    "AttemptFailed",
    "DatasetH",
    "Fit",
    "Interrupted",
    "LGBModel",
    "LinearModel",
    "Model",
    "NotFitted",
    "Progress",
    "Stopwatch",
    "TrainResult",
    "analyses_of",
    "build",
    "build_handler",
    "build_model",
    "open_dataset",
    "record_class",
    "run_task",
    "run_tasks",
    "this_process",
    "train_task",
]
