"""Collecting, grouping and joining results."""

from components.collection.collector import (
    Collected,
    Collector,
    MergeCollector,
    Missing,
    RecorderCollector,
    RunInfo,
    RunSource,
)
from components.collection.ensemble import AverageEnsemble, Ensemble, RollingEnsemble, SingleKeyEnsemble
from components.collection.gaps import Coverage, coverage
from components.collection.group import Group, RollingGroup
from components.collection.runs import ExperimentRuns

__all__ = [
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
