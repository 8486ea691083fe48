"""Models, datasets and the training of tasks."""

from components.build import build
from components.training.attempt import AttemptFailed, Interrupted, LeftToOthers, Train, this_process
from components.training.dataset import DatasetH, build_handler, open_dataset
from components.training.gbdt import LGBModel
from components.training.linear import LinearModel
from components.training.model import Fit, Model, NotFitted, Progress
from components.training.recorded import load_model, load_task, log_mlflow_model
from components.training.run import run_task, run_tasks
from components.training.train import Stopwatch, TrainResult, analyses_of, build_model, record_class, train_task
from components.training.trainer import TASK_TAG, TaskTrainer, TrainingContext, task_name
from components.training.trainers import LocalTrainer, PoolTrainer, Trainer
from components.training.worker import Phase, Served, Worker, WorkerResult

__all__ = [
    "TASK_TAG",
    "AttemptFailed",
    "DatasetH",
    "Fit",
    "Interrupted",
    "LGBModel",
    "LeftToOthers",
    "LinearModel",
    "LocalTrainer",
    "Model",
    "NotFitted",
    "Phase",
    "PoolTrainer",
    "Progress",
    "Served",
    "Stopwatch",
    "TaskTrainer",
    "Train",
    "TrainResult",
    "Trainer",
    "TrainingContext",
    "Worker",
    "WorkerResult",
    "analyses_of",
    "build",
    "build_handler",
    "build_model",
    "load_model",
    "load_task",
    "log_mlflow_model",
    "open_dataset",
    "record_class",
    "run_task",
    "run_tasks",
    "task_name",
    "this_process",
    "train_task",
]
