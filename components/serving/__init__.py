"""Online serving: models that retrain themselves, and a signal for every trading day."""

from components.serving.day import DayRecord, Decision, OnlineModel, Realised, Scored, ServingDay, Standing
from components.serving.from_config import strategies_of
from components.serving.manager import OnlineManager, Training
from components.serving.outcome import ServiceResult, TrainingsFailed, outcome
from components.serving.scoring import Scorer
from components.serving.state import History, ServiceState
from components.serving.strategy import OnlineStrategy, RollingStrategy
from components.serving.tool import OnlineTool
from components.serving.updater import LabelUpdater, PredUpdater

__all__ = [
    "DayRecord",
    "Decision",
    "History",
    "LabelUpdater",
    "OnlineManager",
    "OnlineModel",
    "OnlineStrategy",
    "OnlineTool",
    "PredUpdater",
    "Realised",
    "RollingStrategy",
    "Scored",
    "Scorer",
    "ServiceResult",
    "ServiceState",
    "ServingDay",
    "Standing",
    "Training",
    "TrainingsFailed",
    "outcome",
    "strategies_of",
]
