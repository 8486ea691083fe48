"""A picture of what a service has decided, where people and programs look that only know MLflow."""

from __future__ import annotations

from dataclasses import asdict

from components.serving.manager import OnlineManager
from components.serving.tool import OnlineTool
from components.tracking import register_roles


def show_in_mlflow(manager: OnlineManager) -> None:
    """Tag the models that are online, and let aliases of the registry point to each strategy's models.

    The registered model of a strategy is called ``SERVICE.STRATEGY``; its aliases are champion, challenger and
    previous. It is repaired whenever this is done again: what counts are the days of the service.

    Raises:
        Unavailable: when MLflow does not answer.
    """
    state, history = manager.evening.state, manager.history()
    online = []
    for strategy in manager.strategies:
        runs = {model.key: model.recorder_id for model in history.models(strategy.name)}
        standing = history.standing(strategy.name)
        roles = {role: runs.get(key) if key else None for role, key in asdict(standing).items()}
        register_roles(state.experiments, f"{state.service}.{strategy.name}", list(runs.values()), roles)
        online += [run for run in (roles["champion"],) if run]
    OnlineTool(state.experiments, state.experiment).reset_online_tag(
        [state.experiments.recorder(run) for run in dict.fromkeys(online)]
    )
