"""Features: expressions, handlers, processors and the memory-mapped matrix."""

from components.features.dataset import DatasetH
from components.features.expression import lookahead, lookback
from components.features.handler import DataHandler
from components.features.handlers import Alpha158, Alpha158vwap, Alpha360, Alpha360vwap, DataHandlerLP
from components.features.loader import QlibDataLoader
from components.features.matrix import FeatureMatrix, Rows
from components.features.matrix_key import matrix_key
from components.features.parser import parse
from components.features.store import MatrixStore

__all__ = [
    "Alpha158",
    "Alpha158vwap",
    "Alpha360",
    "Alpha360vwap",
    "DataHandler",
    "DataHandlerLP",
    "DatasetH",
    "FeatureMatrix",
    "MatrixStore",
    "QlibDataLoader",
    "Rows",
    "lookahead",
    "lookback",
    "matrix_key",
    "parse",
]
