"""Qlib's own rolling run, window by window: the same rows, the same trees, the same predictions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from components.config import parse_config
from components.data import open_market
from components.features import MatrixStore
from components.models import FitContext
from components.rolling import plan_windows
from components.training import build_model, open_dataset

pytestmark = pytest.mark.shared


def test_windows_of_qlibs_run_are_qlibs(shared: Path, tmp_path: Path) -> None:
    golden = json.loads((shared / "goldens" / "rolling_run.json").read_text())
    predictions = pd.read_parquet(shared / "goldens" / "rolling_run.parquet").set_index(["datetime", "instrument"])
    market = open_market(f"qlib:{shared / 'data' / 'cn_csi300'}")
    config = parse_config(yaml.safe_dump(golden["config"]), "qlib.yaml").with_options(step=golden["step"])
    windows = plan_windows(config, market)
    assert len(windows) == 22
    expected = [{name: tuple(days) for name, days in window["segments"].items()} for window in golden["windows"]]
    assert [window.task.segments for window in windows] == expected

    for place in (0, 20):  # the two with the fewest trees
        dataset = open_dataset(windows[place].task, market, MatrixStore(tmp_path))
        model = build_model(windows[place].task)
        fit = model.fit(dataset, FitContext(threads=2))
        scores = model.predict(dataset)
        theirs = predictions["score"].reindex(scores.index)
        assert theirs.notna().all()
        np.testing.assert_allclose(scores, theirs, rtol=0, atol=1e-12)
        assert fit.best_iteration == golden["windows"][place]["best_iteration"]
