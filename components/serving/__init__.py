"""Online serving: models that retrain themselves, and a signal for every trading day."""

from components.serving.day import DayRecord, Decision, OnlineModel, Realised, Scored, ServingDay, Standing
from components.serving.manager import OnlineManager
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
    "ServiceState",
    "ServingDay",
    "Standing",
]
