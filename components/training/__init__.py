"""Training of one task: dataset, fit, records; and Qlib's trainers, which train lists of them."""

from components.build import build
from components.execution import run_tasks
from components.models import Fit, LGBModel, LinearModel, Model
from components.training.dataset import build_handler, open_dataset
from components.training.records import analyses_of, record_class
from components.training.train import Stopwatch, TrainResult, build_model, train_task
from components.training.trainer import TASK_TAG, TaskTrainer, TrainingContext, task_name
from components.training.trainers import LocalTrainer, PoolTrainer, Trainer
from components.training.visibility import bind, common_view, data_view

__all__ = [
    "TASK_TAG",
    "Fit",
    "LGBModel",
    "LinearModel",
    "LocalTrainer",
    "Model",
    "PoolTrainer",
    "Stopwatch",
    "TaskTrainer",
    "TrainResult",
    "Trainer",
    "TrainingContext",
    "analyses_of",
    "bind",
    "build",
    "build_handler",
    "build_model",
    "common_view",
    "data_view",
    "open_dataset",
    "record_class",
    "run_tasks",
    "task_name",
    "train_task",
]
