"""Running the claimed tasks of a pool, whatever they do: attempts, workers, isolation in processes."""

from components.execution.attempt import AttemptFailed, Interrupted, NotRunnableHere, Train, this_process
from components.execution.isolated import IsolatedTrainer
from components.execution.left import LeavingWord, LeftBehind
from components.execution.run import run_task, run_tasks
from components.execution.run_watch import NobodyCanRun, RunWatch
from components.execution.supervisor import Limits, parse_memory
from components.execution.time_limit import TimeLimited
from components.execution.trainers import Trainers
from components.execution.worker import Phase, Worker, WorkerResult, WorkerStats

__all__ = [
    "AttemptFailed",
    "Interrupted",
    "IsolatedTrainer",
    "LeavingWord",
    "LeftBehind",
    "Limits",
    "NobodyCanRun",
    "NotRunnableHere",
    "Phase",
    "RunWatch",
    "TimeLimited",
    "Train",
    "Trainers",
    "Worker",
    "WorkerResult",
    "WorkerStats",
    "parse_memory",
    "run_task",
    "run_tasks",
    "this_process",
]
