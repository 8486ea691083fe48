"""The report of a run: one HTML file with its figures, made from values, wherever they come from."""

from components.report.content import ReportContent, Training

__all__ = ["ReportContent", "Training"]
