"""`python -m deployments.serve`: offer the flows in the Prefect UI, and run them here when asked to."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from components.cli import LineParser
from deployments.table import DEPLOYMENTS, Deployment
from flows.console import quiet_libraries, run_command

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Schedule

    from components.config import RunConfig

#: Name of the schedule of a service: with it, a new one takes the place of the old one.
SLUG = "evening"


def main() -> int:
    """Serve the deployments until interrupted, or hand them to a work pool."""
    options = _options()
    from components.config import read_config

    configs = [(path, read_config(path)) for path in options.config]
    quiet_libraries()
    offered = [*map(offer, DEPLOYMENTS), *(offer_service(path, config) for path, config in configs)]
    from deployments.dead_runs import take_over

    take_over()
    if options.work_pool:
        for deployment in offered:
            deployment.apply(work_pool_name=options.work_pool)
        return 0
    from prefect import serve

    # a pause would throw away the runs that are due meanwhile, and would stay after a restart
    serve(*offered, limit=options.limit, pause_on_shutdown=False)
    return 0


def offer(deployment: Deployment, name: str | None = None, **settings: Any) -> RunnerDeployment:
    """A deployment as Prefect takes it.

    Args:
        deployment: What is offered.
        name: Instead of its own.
        settings: What Prefect should know besides: parameters, schedule.
    """
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.types.entrypoint import EntrypointType

    module, _, function = deployment.entrypoint.rpartition(".")
    queue = ConcurrencyLimitStrategy.ENQUEUE
    flow = getattr(import_module(module), function)
    return cast(
        "RunnerDeployment",
        flow.to_deployment(
            name or deployment.name,
            description=deployment.description,
            tags=deployment.tags,
            concurrency_limit=deployment.limit
            and ConcurrencyLimitConfig(limit=deployment.limit, collision_strategy=queue),
            entrypoint_type=EntrypointType.MODULE_PATH,
            **settings,
        ),
    )


def offer_service(path: Path, config: RunConfig) -> RunnerDeployment:
    """The routine of a service, with its schedule.

    Raises:
        InputError: for an exchange that is not known.
    """
    (routine,) = (each for each in DEPLOYMENTS if each.name == "routine")
    parameters = {"config": str(path.absolute())}
    return offer(routine, config.experiment_name, parameters=parameters, schedule=evenings(config))


def evenings(config: RunConfig) -> Schedule:
    """When a service runs: on each day of the week that can have a session; the run itself knows the holidays."""
    from prefect.schedules import Cron

    from components.serving.sessions import schedule_for

    schedule = schedule_for(config.service.schedule)
    return Cron(schedule.cron, timezone=schedule.timezone, slug=SLUG)


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = LineParser(prog="python -m deployments.serve", description=__doc__)
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        type=Path,
        metavar="CONFIG",
        help="offer the routine of this service as well, with the schedule that the config says; may be repeated",
    )
    parser.add_argument(
        "--work-pool", metavar="NAME", help="hand the deployments to the workers of a work pool, and end"
    )
    parser.add_argument("--limit", type=int, default=1, metavar="N", help="flow runs at the same time (default 1)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run_command(main)
