"""The data gate: a look at a day's data before anything is trained or predicted on it."""

from components.serving.gate.inspection import GateReport, inspect_day
from components.serving.gate.revision import Revision
from components.serving.gate.seen import SeenBars

__all__ = ["GateReport", "Revision", "SeenBars", "inspect_day"]
