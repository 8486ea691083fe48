"""Experiments, runs and models on MLflow; the names of the records are offered here too, as Qlib's users expect."""

from components.analysis import signal_analysis
from components.records import ArtifactFolder, PortAnaRecord, Record, RecordInputMissing, SigAnaRecord, SignalRecord
from components.tracking.compare import RunComparison, SignalCorrelation, compare_runs
from components.tracking.errors import ArtifactBroken, ArtifactMissing, ExperimentMissing, RunMissing
from components.tracking.experiments import ExperimentManager, open_store
from components.tracking.mlflow_model import MlflowModelRecord
from components.tracking.recorder import ERROR_TAG, Recorder
from components.tracking.registry import register_model, register_roles
from components.tracking.runs import PARENT_TAG, Experiment, RunStatus, RunSummary
from components.tracking.trained import load_model, load_task, log_mlflow_model

__all__ = [
    "ERROR_TAG",
    "PARENT_TAG",
    "ArtifactBroken",
    "ArtifactFolder",
    "ArtifactMissing",
    "Experiment",
    "ExperimentManager",
    "ExperimentMissing",
    "MlflowModelRecord",
    "PortAnaRecord",
    "Record",
    "RecordInputMissing",
    "Recorder",
    "RunComparison",
    "RunMissing",
    "RunStatus",
    "RunSummary",
    "SigAnaRecord",
    "SignalCorrelation",
    "SignalRecord",
    "compare_runs",
    "load_model",
    "load_task",
    "log_mlflow_model",
    "open_store",
    "register_model",
    "register_roles",
    "signal_analysis",
]
