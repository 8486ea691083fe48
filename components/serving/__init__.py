"""Online serving: models that retrain themselves, and a signal for every trading day."""

from components.serving.day import DayRecord, Decision, OnlineModel, Realised, Scored, ServingDay, Standing
from components.serving.from_config import strategies_of
from components.serving.manager import OnlineManager, Training
from components.serving.outcome import ServiceResult, TrainingsFailed, outcome
from components.serving.scoring import Scorer
from components.serving.state import History, ServiceState
from components.serving.strategy import OnlineStrategy, RollingStrategy

__all__ = [
    "DayRecord",
    "Decision",
    "History",
    "OnlineManager",
    "OnlineModel",
    "OnlineStrategy",
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
