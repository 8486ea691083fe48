"""Whether a model and the data that it sees are still what they were when it was trained."""

from components.serving.drift.inspection import DriftReport, Measure, inspect_drift
from components.serving.drift.reference import Reference

__all__ = ["DriftReport", "Measure", "Reference", "inspect_drift"]
