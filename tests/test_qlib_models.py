"""Models give Qlib's numbers: published arguments on the market of `qlib_reference/bars.py`.

The committed scores are made by `qlib_reference/make_models.py`. Where ROLLFLOW_TEST_QLIB names a Python with
pyqlib and the libraries, they are made anew.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from qlib_reference.bars import write_folder
from qlib_reference.models import HANDLER, MODELS, SEGMENTS

from components.data import open_market
from components.features import Alpha158, DatasetH, MatrixStore
from components.models import FitContext, build_model

REFERENCE = Path(__file__).with_name("qlib_reference")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> DatasetH:
    home = tmp_path_factory.mktemp("models")
    market = open_market(f"qlib:{write_folder(home / 'market')}")
    return DatasetH(MatrixStore(home / "matrices").open(Alpha158(**HANDLER), market), SEGMENTS)


def check(name: str, dataset: DatasetH, expected: dict[str, list[float]]) -> None:
    path, kwargs, fit = MODELS[name]
    module, _, cls = path.rpartition(".")
    model = build_model({"class": cls, "module_path": module, "kwargs": {**kwargs, **fit}})
    model.validate()
    model.fit(dataset, FitContext(threads=1))
    scores = model.predict(dataset)
    assert len(set(expected[name])) > 50  # not one score for all
    np.testing.assert_allclose(scores, expected[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_qlibs(name: str, dataset: DatasetH) -> None:
    check(name, dataset, json.loads((REFERENCE / "models.json").read_text()))


@pytest.mark.skipif("ROLLFLOW_TEST_QLIB" not in os.environ, reason="ROLLFLOW_TEST_QLIB names no Python with pyqlib")
def test_fresh_scores_agree(dataset: DatasetH, tmp_path: Path) -> None:
    command = [os.environ["ROLLFLOW_TEST_QLIB"], str(REFERENCE / "make_models.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    for name in MODELS:
        check(name, dataset, json.loads((tmp_path / "models.json").read_text()))
