"""Arithmetic without input or output: how good a signal is."""

from components.analysis.signal_analysis import signal_analysis

__all__ = ["signal_analysis"]
