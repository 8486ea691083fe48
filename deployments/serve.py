"""`python -m deployments.serve`: offer the flows in the Prefect UI and run them here when asked to."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, cast

from flows.console import quiet_libraries

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment


def main() -> None:
    """Serve the deployments until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m deployments.serve", description=__doc__)
    parser.add_argument("--limit", type=int, default=1, metavar="N", help="flow runs at the same time (default 1)")
    options = parser.parse_args()
    quiet_libraries()
    from prefect import serve

    from flows.features.flow import features
    from flows.rolling.flow import rolling
    from flows.train.flow import train
    from flows.worker.flow import worker

    deployments = [
        cast("RunnerDeployment", flow.to_deployment(flow.name, tags=["rollflow"], description=flow.description))
        for flow in (rolling, train, features, worker)
    ]
    serve(*deployments, limit=options.limit)


if __name__ == "__main__":
    main()
