"""The deployments, each told once: `serve` offers them, and `prefect.yaml` has to say the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Deployment:
    """A flow as Prefect offers it."""

    #: Name of the deployment and of its flow.
    name: str
    #: Dotted name of the flow.
    entrypoint: str
    description: str
    #: Runs at the same time; further ones wait. None: any number.
    limit: int | None = None

    @property
    def tags(self) -> list[str]:
        """What its runs are found by."""
        return ["rollflow", *(["online"] if self.entrypoint.startswith("flows.online.") else [])]


DEPLOYMENTS = (
    Deployment(
        "rolling",
        "flows.rolling.flow.rolling",
        "Train a model on every rolling window, then join and judge the predictions.",
    ),
    Deployment(
        "train",
        "flows.train.flow.train",
        "Train the one task of a config, without rolling, and judge it over its test segment.",
    ),
    Deployment(
        "features",
        "flows.features.flow.features",
        "Build the feature matrix of a config, or reuse it, and export raw features and labels.",
    ),
    Deployment(
        "worker",
        "flows.worker.flow.worker",
        "Take tasks from a pool and train them, until all are finished.",
    ),
    Deployment(
        "first-train",
        "flows.online.flow.first_train",
        "Begin a service: train the newest window of each strategy, put it online and serve the day.",
    ),
    Deployment(
        "routine",
        "flows.online.flow.routine",
        "Serve all days that were not served yet, in order. A scheduled run looks at the trading calendar first.",
        limit=1,
    ),
    Deployment(
        "backfill",
        "flows.online.flow.backfill",
        "Serve those days of a period that were not served yet.",
        limit=1,
    ),
    Deployment(
        "simulate",
        "flows.online.flow.simulate",
        "Serve a past period as it would have been served evening by evening, apart from the service itself.",
    ),
)
