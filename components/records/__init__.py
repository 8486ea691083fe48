"""Records: what is kept of a trained task, beside the model itself."""

from components.records.portfolio import PortAnaRecord
from components.records.record import (
    LABEL,
    PREDICTION,
    ArtifactFolder,
    Record,
    RecordInputMissing,
    SigAnaRecord,
    SignalRecord,
)

__all__ = [
    "LABEL",
    "PREDICTION",
    "ArtifactFolder",
    "PortAnaRecord",
    "Record",
    "RecordInputMissing",
    "SigAnaRecord",
    "SignalRecord",
]
