"""The peer's half of `benchmarks.online`, run by an interpreter that has pyqlib and none of our code."""

import json
import sys
import tempfile
import time
from pathlib import Path

import qlib
from qlib.model.trainer import task_train
from qlib.workflow.online.update import PredUpdater

if __name__ == "__main__":
    data, task, days = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    task["record"] = {
        "class": "SignalRecord",
        "module_path": "qlib.workflow.record_temp",
        "kwargs": {"model": "<MODEL>", "dataset": "<DATASET>"},
    }
    with tempfile.TemporaryDirectory() as home:
        manager = {
            "class": "MLflowExpManager",
            "module_path": "qlib.workflow.expm",
            "kwargs": {"uri": Path(home, "mlruns").as_uri(), "default_exp_name": "online"},
        }
        qlib.init(provider_uri=data, region="cn", logging_level=40, exp_manager=manager)
        recorder = task_train(task, experiment_name="online")
        seconds = []
        for day in days:
            # each evening is a process of its own there, too
            qlib.init(provider_uri=data, region="cn", logging_level=40, exp_manager=manager)
            start = time.perf_counter()
            PredUpdater(recorder, to_date=day).update()
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds}))
