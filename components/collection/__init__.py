"""Collecting, grouping and joining results."""

from components.collection.collector import (
    RAW,
    Collected,
    Collector,
    MergeCollector,
    Missing,
    RecorderCollector,
)
from components.collection.ensemble import AverageEnsemble, Ensemble, RollingEnsemble, SingleKeyEnsemble
from components.collection.gaps import Coverage, coverage
from components.collection.group import Group, RollingGroup
from components.collection.runs import ExperimentRuns
from components.collection.source import READERS, RunInfo, RunSource

__all__ = [
    "RAW",
    "READERS",
    "AverageEnsemble",
    "Collected",
    "Collector",
    "Coverage",
    "Ensemble",
    "ExperimentRuns",
    "Group",
    "MergeCollector",
    "Missing",
    "RecorderCollector",
    "RollingEnsemble",
    "RollingGroup",
    "RunInfo",
    "RunSource",
    "SingleKeyEnsemble",
    "coverage",
]
