"""What Qlib computes on the market of `bars.py`. Run by a Python that has pyqlib, and none of ours:

    PYTHON tests/qlib_reference/make.py tests/qlib_reference

writes `values.parquet` and `processed.parquet` into the folder named, with some days of each start. The committed
files were made by pyqlib 0.9.7 on Pandas 3.1.1 and NumPy 2.4.6. With `--all` all days are written.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import qlib
from bars import END, EXPRESSIONS, FIT, STARTS, UNIVERSE, write_folder
from processors import PROCESSORS
from qlib.contrib.data.handler import Alpha158
from qlib.contrib.data.loader import Alpha158DL
from qlib.data import D
from qlib.data.dataset.handler import DataHandlerLP

COLUMNS = ["KMID", "ROC60", "STD5", "RSQR60", "CORD20", "VSTD60", "WVMA5"]


def values(start: str) -> pd.DataFrame:
    """Alpha158 and the expressions, of all instruments."""
    fields, names = Alpha158DL.get_feature_config()
    codes = D.list_instruments(D.instruments("all"), as_list=True)
    frames = [D.features(codes, [field], start, END) for field in [*fields, *EXPRESSIONS]]
    frame = pd.concat(
        [frame.iloc[:, 0].astype(np.float32) for frame in frames], axis=1, keys=[*names, *EXPRESSIONS]
    )
    return frame.swaplevel().sort_index()


def processed(name: str, learn: bool) -> pd.DataFrame:
    """A few columns and the label after processors."""
    infer_steps, learn_steps = (
        [{"class": step, "kwargs": dict(kwargs)} for step, kwargs in part] for part in PROCESSORS[name]
    )
    handler = Alpha158(
        instruments=list(UNIVERSE),
        start_time=STARTS[-1],
        end_time=END,
        fit_start_time=FIT[0],
        fit_end_time=FIT[1],
        infer_processors=infer_steps,
        learn_processors=learn_steps,
    )
    frame = handler.fetch(data_key=DataHandlerLP.DK_L if learn else DataHandlerLP.DK_I).astype(np.float32)
    return frame[[*COLUMNS, "LABEL0"]].sort_index()


def main() -> None:
    folder, every = Path(sys.argv[1]), "--all" in sys.argv
    with tempfile.TemporaryDirectory() as data:
        qlib.init(provider_uri=str(write_folder(Path(data) / "market")), region="cn", kernels=1, logging_level=50)
        frames = []
        for start in STARTS:
            frame = values(start)
            if not every:
                days = frame.index.unique("datetime")
                frame = frame.loc[days[[0, 1, 2, 6, 30, 75, -1]]]
            frames.append(frame.assign(start=start))
        pd.concat(frames).reset_index().to_parquet(folder / "values.parquet", compression="zstd")
        parts = [
            processed(name, learn).assign(processors=name, learn=learn)
            for name in PROCESSORS
            for learn in (False, True)
        ]
        if not every:
            parts = [
                part.groupby("instrument", group_keys=False).apply(lambda rows: rows.iloc[::16]) for part in parts
            ]
        pd.concat(parts).sort_index(kind="stable").reset_index().to_parquet(
            folder / "processed.parquet", compression="zstd"
        )


if __name__ == "__main__":
    main()
