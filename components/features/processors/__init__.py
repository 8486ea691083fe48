"""Processors of features and labels, under Qlib's names."""

from components.features.processors.base import Block, ColumnFilter, Processor, RowFilter, Transform
from components.features.processors.daily import (
    CSRankNorm,
    CSZFillna,
    CSZScoreNorm,
    Fillna,
    ProcessInf,
    TanhProcess,
)
from components.features.processors.filters import DropCol, DropnaLabel, DropnaProcessor, FilterCol
from components.features.processors.fitted import MinMaxNorm, RobustZScoreNorm, Scaler, ZScoreNorm
from components.features.processors.pipeline import Fits, Outcome, Pipeline

__all__ = [
    "Block",
    "CSRankNorm",
    "CSZFillna",
    "CSZScoreNorm",
    "ColumnFilter",
    "DropCol",
    "DropnaLabel",
    "DropnaProcessor",
    "Fillna",
    "FilterCol",
    "Fits",
    "MinMaxNorm",
    "Outcome",
    "Pipeline",
    "ProcessInf",
    "Processor",
    "RobustZScoreNorm",
    "RowFilter",
    "Scaler",
    "TanhProcess",
    "Transform",
    "ZScoreNorm",
]
