"""The peer's half of `benchmarks.rolling`, run by an interpreter that has pyqlib and none of our code."""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import qlib
import yaml
from qlib.model.trainer import TrainerR
from qlib.workflow.task.gen import RollingGen, task_generator
from qlib.workflow.task.utils import replace_task_handler_with_cache

if __name__ == "__main__":
    config, data, step = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with tempfile.TemporaryDirectory() as home:
        manager = {
            "class": "MLflowExpManager",
            "module_path": "qlib.workflow.expm",
            "kwargs": {"uri": Path(home, "mlruns").as_uri(), "default_exp_name": "rolling"},
        }
        qlib.init(provider_uri=data, region="cn", logging_level=40, exp_manager=manager)
        start = time.perf_counter()
        template = yaml.safe_load(config.read_text())["task"]
        # the backtest is of the whole period
        template["record"] = [each for each in template["record"] if each["class"] != "PortAnaRecord"]
        template = replace_task_handler_with_cache(template, home)
        tasks = task_generator(template, RollingGen(step=step, rtype=RollingGen.ROLL_EX))
        TrainerR(experiment_name="rolling").train(tasks)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "peak_mb": peak / 1000, "windows": len(tasks)}))
