"""The service of a config, on the connections of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from components.config import RunConfig
from components.data import open_market
from components.serving import OnlineManager, Scorer, ServiceState, check_service, evening_of
from components.settings import Settings
from components.tasks import content_key, plain
from components.training import PoolTrainer, TrainingContext
from flows.online.options import ServiceOptions
from flows.opening import open_workspace
from flows.request import read_run
from flows.services import connect
from flows.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True)
class Service:
    """A service as plain values: any node opens it."""

    config: RunConfig
    workspace: Workspace
    #: First and last day, if a past period is simulated; None: what goes on for ever.
    simulation: tuple[str, str] | None = None

    def open(self, *, again: bool = True, begin: bool = True) -> OnlineManager:
        """The service on the connections of the run.

        Args:
            again: Whether trainings that have failed are tried again.
            begin: Whether its MLflow run is made if there is none; else nothing can be trained or published.

        Raises:
            InputError: for whatever is wrong in config or data.
        """
        services, trusted = connect(self.workspace), self.workspace.trusted
        state = ServiceState(
            service=self.workspace.experiment,
            pool=services.days,
            experiments=services.experiments,
            experiment=services.experiment,
            run=self._run(),
        )
        scorer = Scorer(services.experiments, services.matrices, trusted)
        evening = evening_of(self.config, state, services.market, scorer)
        context = TrainingContext(
            experiment=services.experiment, parent=state.recorder.id if begin else None, data=services.market.uri
        )
        trainer = PoolTrainer(
            pool=services.pool,
            trainer=services.trainer,
            context=context,
            workers=self.workspace.slots,
            stop=services.stop,
            again=again,
        )
        return OnlineManager(
            evening=evening,
            trainer=trainer,
            fingerprints=services.fingerprints,
            # bars that were revised, or came late, are not seen afterwards
            gate=None if self.simulation else self.config.service.gate,
        )

    def on_market(self, work: Callable[[OnlineManager], T]) -> T:
        """Do something with the service; again, on the data as it is now, if that was written to meanwhile."""
        return connect(self.workspace).on_market(lambda _market: work(self.open()))

    def _run(self) -> str:
        """Tells simulations of another period, or of other strategies or rules, apart."""
        if not self.simulation:
            return ""
        strategies = {
            name: {"task": each.task, "rolling": each.rolling.model_dump(), "online": each.service.model_dump()}
            for name, each in self.config.strategies().items()
        }
        return content_key(plain({"strategies": strategies, "period": self.simulation}))


@contextmanager
def opened(options: ServiceOptions) -> Iterator[Service]:
    """The service that options ask for, while its servers are open.

    Raises:
        InputError: for whatever is wrong in config or data; then no server was started.
    """
    settings, config = Settings.from_env(), read_run(options)
    market = open_market(config.market)
    check_service(config, market, settings.trusted_modules)
    with open_workspace(settings, config, workers=options.workers) as workspace:
        connect(workspace).markets.adopt(market)
        yield Service(config, workspace)
