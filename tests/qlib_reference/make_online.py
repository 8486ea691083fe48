"""What Qlib's online manager serves on the market of `bars.py`, day by day. Run by a Python that has pyqlib:

    PYTHON tests/qlib_reference/make_online.py tests/qlib_reference

writes `online.parquet` (predictions and signals) and `online.json` (which windows are online on which day) into the
folder named. The committed files were made by pyqlib 0.9.7. Predictions are brought up to each day by name, since
Qlib's manager would predict to the data's end.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import qlib
from bars import write_folder
from online import BEGIN, GAP, LAST, STEP, TASKS
from qlib.data import D
from qlib.model.trainer import TrainerR
from qlib.workflow import R
from qlib.workflow.online.manager import OnlineManager
from qlib.workflow.online.strategy import RollingStrategy
from qlib.workflow.online.utils import OnlineToolR
from qlib.workflow.task.gen import RollingGen


class ToolOfDay(OnlineToolR):
    """Brings predictions up to a day."""

    day: str = BEGIN

    def update_online_pred(self, to_date: Any = None, from_date: Any = None) -> None:
        super().update_online_pred(to_date=self.day, from_date=from_date)


def window(recorder: Any) -> str:
    """The first test day of a model."""
    return str(pd.Timestamp(recorder.load_object("task")["dataset"]["kwargs"]["segments"]["test"][0]).date())


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as home:
        store = {"uri": Path(home, "mlruns").as_uri(), "default_exp_name": "online"}
        qlib.init(
            provider_uri=str(write_folder(Path(home) / "market")),
            region="cn",
            kernels=1,
            logging_level=50,
            exp_manager={"class": "MLflowExpManager", "module_path": "qlib.workflow.expm", "kwargs": store},
        )
        strategies = []
        for name, task in TASKS.items():
            windows = RollingGen(step=STEP, rtype=RollingGen.ROLL_SD, trunc_days=GAP)
            strategies.append(RollingStrategy(name, task, windows))
            strategies[-1].tool = ToolOfDay(name)
        manager = OnlineManager(strategies, trainer=TrainerR(), begin_time=BEGIN)
        manager.first_train()
        for day in D.calendar(start_time=BEGIN, end_time=LAST):
            ToolOfDay.day = str(day.date())
            manager.routine(cur_time=day)
        frames = [manager.get_signals().rename("score").reset_index().assign(name="signal", window="")]
        for name in TASKS:
            for recorder in R.list_recorders(experiment_name=name).values():
                scores = recorder.load_object("pred.pkl").reset_index()
                frames.append(scores.assign(name=name, window=window(recorder)))
        history = {
            str(pd.Timestamp(day).date()): {
                each.name_id: list(map(window, models)) for each, models in online.items()
            }
            for day, online in manager.history.items()
        }
    rows = pd.concat(frames)[["name", "window", "datetime", "instrument", "score"]]
    rows.to_parquet(folder / "online.parquet", index=False, compression="zstd")
    (folder / "online.json").write_text(json.dumps(history, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
