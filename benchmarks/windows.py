"""What a window costs beside its training: 200 windows of a model that does nothing.

DAG node, claim, run, records, commit and collection together; at most 60 ms a window.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from benchmarks.measuring import fresh_home, rolling
from components.config import read_config

WINDOWS = 200


def main() -> None:
    builtin = read_config(None).model_dump(mode="json")
    builtin["task"]["model"] = {"class": "NullModel", "module_path": "benchmarks.null_model"}
    builtin["task"]["dataset"]["kwargs"]["segments"]["test"] = ["2017-01-03", "2020-10-30"]
    builtin["task"]["dataset"]["kwargs"]["segments"]["train"] = ["2015-03-02", "2015-12-31"]
    builtin["task"]["dataset"]["kwargs"]["segments"]["valid"] = ["2016-01-04", "2016-12-30"]
    builtin["rolling"] = {"step": 5, "type": "sliding"}
    with fresh_home() as folder:
        home = Path(folder)
        config = home / "null.yaml"
        config.write_text(yaml.safe_dump(builtin))
        run, outcome = rolling(str(config), home=home, ROLLFLOW_TRUSTED_MODULES="benchmarks")
    count = len(outcome["windows"])
    phases = {name: outcome["timings"][name] for name in ("store", "train", "collect", "analyse")}
    print(f"windows              {count}")
    for name, seconds in phases.items():
        print(f"  {name:<18} {seconds:8.2f} s")
    print(f"a window, end to end {1000 * sum(phases.values()) / count:8.1f} ms   (at most 60)")
    print(f"the whole process    {run.seconds:8.2f} s, {run.peak_mb:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
