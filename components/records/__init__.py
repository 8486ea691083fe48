"""Records: what is kept of a trained task, beside the model itself."""

from components.records.portfolio import PortAnaRecord
from components.records.record import (
    LABEL,
    PREDICTION,
    Draft,
    Record,
    RecordInputMissing,
    SigAnaRecord,
    SignalRecord,
)

__all__ = [
    "LABEL",
    "PREDICTION",
    "Draft",
    "PortAnaRecord",
    "Record",
    "RecordInputMissing",
    "SigAnaRecord",
    "SignalRecord",
]
