"""Online serving: models that retrain themselves, and a signal for every trading day."""

from components.serving.collecting import ServedScores
from components.serving.day import (
    DayRecord,
    Decision,
    OnlineModel,
    Realised,
    Request,
    Scored,
    ServingDay,
    Standing,
)
from components.serving.evening import Evening, NoModel
from components.serving.from_config import check_service, evening_of, strategies_of
from components.serving.gate import GateReport
from components.serving.manager import DayIsRed, OnlineManager, Training
from components.serving.mirror import show_in_mlflow
from components.serving.outcome import ServiceResult, ServingFailed, outcome
from components.serving.scoring import Scorer
from components.serving.state import History, ServiceState
from components.serving.strategy import OnlineStrategy, RollingStrategy
from components.serving.tool import OnlineTool
from components.serving.updater import LabelUpdater, PredUpdater
from components.serving.verify import Verification, verify

__all__ = [
    "DayIsRed",
    "DayRecord",
    "Decision",
    "Evening",
    "GateReport",
    "History",
    "LabelUpdater",
    "NoModel",
    "OnlineManager",
    "OnlineModel",
    "OnlineStrategy",
    "OnlineTool",
    "PredUpdater",
    "Realised",
    "Request",
    "RollingStrategy",
    "Scored",
    "Scorer",
    "ServedScores",
    "ServiceResult",
    "ServiceState",
    "ServingDay",
    "ServingFailed",
    "Standing",
    "Training",
    "Verification",
    "check_service",
    "evening_of",
    "outcome",
    "show_in_mlflow",
    "strategies_of",
    "verify",
]
