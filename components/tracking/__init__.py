"""Experiment records on MLflow."""

from components.tracking.compare import RunComparison, SignalCorrelation, compare_runs
from components.tracking.experiments import ExperimentManager, open_store
from components.tracking.mlflow_model import MlflowModelRecord
from components.tracking.portfolio import PortAnaRecord
from components.tracking.reader import ArtifactMissing
from components.tracking.recorder import Recorder
from components.tracking.records import Draft, Record, RecordInputMissing, SigAnaRecord, SignalRecord
from components.tracking.runs import PARENT_TAG, Experiment, RunStatus, RunSummary
from components.tracking.signal_analysis import signal_analysis
from components.tracking.store import ExperimentMissing, RunMissing

__all__ = [
    "PARENT_TAG",
    "ArtifactMissing",
    "Draft",
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
    "open_store",
    "signal_analysis",
]
