"""What Qlib's models predict on the market of `bars.py`. Run by a Python that has pyqlib, and none of ours:

    PYTHON tests/qlib_reference/make_models.py tests/qlib_reference

writes `models.json` into the folder named: the scores of the test segment, by case of `models.py`. The committed
file was made by pyqlib 0.9.7 with LightGBM 4.7.0, XGBoost 3.2.0 and CatBoost 1.2.10 on
NumPy 2.4.6 and Pandas 3.1.1.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import qlib
from bars import write_folder
from models import HANDLER, MODELS, SEGMENTS
from qlib.contrib.data.handler import Alpha158
from qlib.data.dataset import DatasetH


def main() -> None:
    folder, found = Path(sys.argv[1]).resolve(), {}
    with tempfile.TemporaryDirectory() as data:
        os.chdir(data)  # CatBoost writes where it runs
        qlib.init(provider_uri=str(write_folder(Path(data) / "market")), region="cn", kernels=1, logging_level=50)
        dataset = DatasetH(Alpha158(**HANDLER), SEGMENTS)
        features = list(dataset.prepare("train", col_set="feature").columns)
        for name, (path, kwargs, fit) in MODELS.items():
            module, _, cls = path.rpartition(".")
            library = importlib.import_module(module)
            # DEnsembleModel puts the features of each model into the order of a set of texts, which is another one
            # in each process (PYTHONHASHSEED); here they stay in order, as with us.
            library.set = lambda names: sorted(names, key=features.index)
            model = getattr(library, cls)(**kwargs)
            np.random.seed(0)
            model.fit(dataset, **fit)
            scores = model.predict(dataset, "test").sort_index()
            found[name] = [float(score) for score in scores]
    (folder / "models.json").write_text(json.dumps(found, indent=0))


if __name__ == "__main__":
    main()
