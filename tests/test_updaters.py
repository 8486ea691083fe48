"""Predictions and labels of a recorded model that are brought up to a day, as Qlib's updaters bring them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.data import Market, open_market, until
from components.features import MatrixStore
from components.serving import LabelUpdater, OnlineTool, PredUpdater, Scorer
from components.tasks import TrainingTask
from components.tracking import ExperimentManager, Recorder
from components.training import train_task


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((shared / "goldens/online_update.json").read_text())
    return content


@pytest.fixture(scope="module")
def whole(shared: Path) -> Market:
    return open_market(f"qlib:{shared / 'data/cn_csi300'}")


@pytest.fixture(scope="module")
def trained(
    golden: dict[str, Any], whole: Market, matrices: MatrixStore, experiments: ExperimentManager
) -> Recorder:
    """A model that was trained when the data ended on the day T."""
    recorder = experiments.start(experiments.get_or_create("updaters"), "at T")
    task = TrainingTask.from_config(golden["task"])
    result = train_task(task, market=until(whole, golden["T"]), matrices=matrices, recorder=recorder)
    assert result.best_iteration == golden["best_iteration"]
    return recorder


def expected(shared: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(shared / f"goldens/{name}.parquet").set_index(["datetime", "instrument"]).sort_index()


def test_scores_and_labels_grow_as_qlibs(
    trained: Recorder,
    whole: Market,
    golden: dict[str, Any],
    shared: Path,
    matrices: MatrixStore,
    experiments: ExperimentManager,
) -> None:
    scorer = Scorer(experiments, matrices)
    before = trained.load_table("pred")
    assert len(before) == golden["rows"]["at_T"]

    def updated(updater: type[PredUpdater | LabelUpdater], until_day: str, **options: Any) -> pd.DataFrame | None:
        return updater(recorder=trained, market=until(whole, golden[until_day]), scorer=scorer).update(**options)

    a_day_later = updated(PredUpdater, "T1", write=False)
    assert a_day_later is not None
    same(a_day_later, expected(shared, "online_update_t1")[["score"]])
    assert trained.load_table("pred").equals(before)

    scores, labels = updated(PredUpdater, "T15"), updated(LabelUpdater, "T15")
    assert scores is not None
    assert labels is not None
    both = expected(shared, "online_update")
    same(scores, both[["score"]])
    same(labels, both[["label"]])
    assert (len(scores), int(labels["label"].isna().sum())) == (21_920, 548)
    same(trained.load_table("pred"), scores)
    assert updated(PredUpdater, "T15") is None


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False, check_index_type=False, check_exact=True)


def test_tags_say_which_models_are_online(experiments: ExperimentManager) -> None:
    experiment = experiments.get_or_create("tags")
    tool = OnlineTool(experiments, experiment)
    old, new, other = (experiments.start(experiment, name) for name in ("old", "new", "other"))
    assert tool.online_models() == []
    tool.reset_online_tag([old])
    assert [each.id for each in tool.online_models()] == [old.id]
    tool.reset_online_tag([new])
    assert [each.id for each in tool.online_models()] == [new.id]
    assert (old.tags["online_status"], "online_status" in other.tags) == ("offline", False)
