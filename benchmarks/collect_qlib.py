"""The peer's half of `benchmarks.collect`, run by an interpreter that has pyqlib and none of our code."""

import json
import sys
import time
from pathlib import Path

import pandas as pd
import qlib
from qlib.model.ens.group import RollingGroup
from qlib.workflow import R
from qlib.workflow.task.collect import RecorderCollector


def create(files, params, metrics):
    for file in files:
        score = pd.read_parquet(file).set_index(["datetime", "instrument"])
        with R.start(experiment_name="collect", recorder_name=file.stem):
            R.log_params(**params)
            R.log_metrics(**metrics)
            R.set_tags(model="gbdt", window=file.stem)
            R.save_objects(**{"pred.pkl": score})


def key_of(recorder):
    tags = recorder.list_tags()
    return tags["model"], tags["window"]


def main(folder, params, metrics, repeats):
    store = f"file:{Path('mlruns').absolute()}"
    manager = {"uri": store, "default_exp_name": "Experiment"}
    config = {"class": "MLflowExpManager", "module_path": "qlib.workflow.expm", "kwargs": manager}
    qlib.init(exp_manager=config, logging_level=40)
    files = sorted(Path(folder).glob("*.parquet"))
    create(files, json.loads(params), json.loads(metrics))
    seconds = []
    for _ in range(int(repeats)):
        start = time.perf_counter()
        collector = RecorderCollector(
            experiment="collect",
            process_list=RollingGroup(),
            rec_key_func=key_of,
            artifacts_path={"pred": "pred.pkl"},
            artifacts_key="pred",
        )
        (joined,) = collector()["pred"].values()
        seconds.append(time.perf_counter() - start)
        assert len(joined) == len(files) * 300 * 20, len(joined)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
