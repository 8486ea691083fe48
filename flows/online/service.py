"""The service of a config, on the connections of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from components.config import RunConfig
from components.serving import OnlineManager, Scorer, ServiceState, strategies_of
from components.settings import Settings
from components.tasks import content_key
from components.training import PoolTrainer, TrainingContext
from flows.online.options import ServiceOptions
from flows.online.request import read_request
from flows.services import connect
from flows.workspace import Workspace, open_workspace


@dataclass(frozen=True)
class Service:
    """A service as plain values: any node opens it."""

    config: RunConfig
    workspace: Workspace
    #: First and last day, if a past period is simulated; None: what goes on for ever.
    simulation: tuple[str, str] | None = None

    def open(self, *, again: bool = True) -> OnlineManager:
        """The service on the connections of the run; with `again`, trainings that have failed are tried again.

        Raises:
            InputError: for whatever is wrong in config or data.
        """
        services = connect(self.workspace)
        strategies = strategies_of(self.config, services.market, self.workspace.trusted)
        run = ""
        if self.simulation:
            same = [vars(each) | {"task_template": each.template.to_config()} for each in strategies]
            run = content_key({"strategies": same, "period": list(self.simulation)})
        state = ServiceState(
            service=self.workspace.experiment,
            pool=services.days,
            experiments=services.experiments,
            experiment=services.experiment,
            run=run,
        )
        trainer = PoolTrainer(
            pool=services.pool,
            trainer=services.trainer,
            context=TrainingContext(
                experiment=services.experiment, parent=state.recorder.id, data=services.market.uri
            ),
            workers=self.workspace.slots,
            stop=services.stop,
            again=again,
        )
        return OnlineManager(
            strategies=strategies,
            state=state,
            trainer=trainer,
            market=services.market,
            scorer=Scorer(services.experiments, services.matrices, self.workspace.trusted),
            fingerprints=services.fingerprints,
        )


@contextmanager
def opened(options: ServiceOptions) -> Iterator[Service]:
    """The service that options ask for, while its servers are open."""
    config = read_request(options)
    with open_workspace(Settings.from_env(), config, workers=options.workers) as workspace:
        yield Service(config, workspace)
