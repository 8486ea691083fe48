"""A service says what Qlib's online manager says, on each day: which models are online, their scores, the signal.

The committed reference is made by `qlib_reference/make_online.py`: two strategies, day by day over two rollings.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from qlib_reference.bars import write_folder
from qlib_reference.online import BEGIN, GAP, LAST, STEP, TASKS

from components.data import Fingerprints, Markets, open_market
from components.features import MatrixStore
from components.pool import TaskPool
from components.serving import Evening, OnlineManager, RollingStrategy, Scorer, ServiceState
from components.tasks import TrainingTask
from components.tracking import ExperimentManager
from components.training import PoolTrainer, TaskTrainer, TrainingContext

REFERENCE = Path(__file__).with_name("qlib_reference")
INDEX = ["datetime", "instrument"]


@pytest.fixture
def manager(
    mongo_url: str, experiments: ExperimentManager, matrices: MatrixStore, tmp_path: Path
) -> Iterator[OnlineManager]:
    market = open_market(f"qlib:{write_folder(tmp_path / 'market')}")
    markets, experiment = Markets(market.uri), experiments.get_or_create("as Qlib")
    markets.adopt(market)
    with (
        TaskPool(mongo_url, database="tests", name="as Qlib") as pool,
        TaskPool(mongo_url, database="tests", name="as Qlib days") as days,
    ):
        trainer = TaskTrainer(
            experiments=experiments,
            experiment="as Qlib",
            markets=markets,
            matrices=matrices,
            fingerprints=Fingerprints(),
            confirm=pool.heartbeat,
        )
        evening = Evening(
            strategies=tuple(
                RollingStrategy(name, TrainingTask.from_config(task), step=STEP, kind="sliding", gap=GAP)
                for name, task in TASKS.items()
            ),
            state=ServiceState("as Qlib", days, experiments, experiment),
            market=market,
            scorer=Scorer(experiments, matrices),
        )
        context = TrainingContext(experiment=experiment)
        yield OnlineManager(evening=evening, trainer=PoolTrainer(pool=pool, trainer=trainer, context=context))


def reference(name: str) -> pd.DataFrame:
    """Qlib's rows of a name until the last day that is served; Qlib's go on to the end of the last test."""
    rows = pd.read_parquet(REFERENCE / "online.parquet")
    return rows[(rows["name"] == name) & (rows["datetime"] <= LAST)].set_index(INDEX).sort_index()


def test_models_scores_and_signals_are_qlibs(manager: OnlineManager) -> None:
    manager.first_train(BEGIN)
    manager.routine(LAST)
    history, state = manager.history(), manager.evening.state
    online = {
        day: {name: [model.name for model in models] for name, models in each.items()}
        for day, each in history.online().items()
    }
    assert online == json.loads((REFERENCE / "online.json").read_text())
    assert {models["trees"][0] for models in online.values()} == {"2016-04-04", "2016-04-18", "2016-05-02"}
    scores = state.scores(history.days)
    for name, tolerance in (("trees", 0), ("lines", 1e-6)):
        theirs, ours = reference(name), scores.loc[scores["strategy"] == name].sort_index()
        assert ours.index.equals(theirs.index)
        windows = {model.key: model.name for model in history.models(name)}
        assert ours["model"].map(windows).tolist() == theirs["window"].tolist()
        np.testing.assert_allclose(ours["score"], theirs["score"], rtol=0, atol=tolerance)
    signal, theirs = state.signal(history.days).sort_index(), reference("signal")
    once = theirs[~theirs.index.duplicated()]
    assert signal.index.equals(once.index)
    np.testing.assert_allclose(signal, once["score"], rtol=0, atol=1e-5)


@pytest.mark.skipif("ROLLFLOW_TEST_QLIB" not in os.environ, reason="ROLLFLOW_TEST_QLIB names no Python with pyqlib")
def test_a_fresh_reference_is_the_committed_one(tmp_path: Path) -> None:
    command = [os.environ["ROLLFLOW_TEST_QLIB"], str(REFERENCE / "make_online.py"), str(tmp_path)]
    quiet = {"MLFLOW_ALLOW_FILE_STORE": "true"}
    done = subprocess.run(
        command, env=os.environ | quiet, capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "online.json").read_text() == (REFERENCE / "online.json").read_text()
    fresh, kept = (pd.read_parquet(folder / "online.parquet") for folder in (tmp_path, REFERENCE))
    by = ["name", "window", *INDEX]
    fresh, kept = (frame.sort_values(by, kind="stable", ignore_index=True) for frame in (fresh, kept))
    pd.testing.assert_frame_equal(fresh, kept, check_exact=False, rtol=0, atol=1e-5)
