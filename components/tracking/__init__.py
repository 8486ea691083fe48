"""Experiment records on MLflow."""

from components.tracking.experiments import PARENT_TAG, ExperimentManager, RunSummary, open_store
from components.tracking.portfolio import PortAnaRecord
from components.tracking.recorder import ArtifactMissing, Recorder, RunStatus
from components.tracking.records import Record, RecordInputMissing, SigAnaRecord, SignalRecord
from components.tracking.signal_analysis import signal_analysis

__all__ = [
    "PARENT_TAG",
    "ArtifactMissing",
    "ExperimentManager",
    "PortAnaRecord",
    "Record",
    "RecordInputMissing",
    "Recorder",
    "RunStatus",
    "RunSummary",
    "SigAnaRecord",
    "SignalRecord",
    "open_store",
    "signal_analysis",
]
