"""The report of a run: one HTML file with its figures, made from values, wherever they come from."""

from components.report.content import Compared, ReportContent, Training

__all__ = ["Compared", "ReportContent", "Training"]
