"""Which of Qlib's published configs run here: a table for the docs, of what really happens.

``python -m benchmarks.qlib_configs CHECKOUT [DATA] > docs/qlib_configs.md`` where CHECKOUT is a checkout of Qlib
and DATA a Qlib folder with csi300. Each YAML below its examples/benchmarks is planned as a rolling run on DATA, as
`python -m flows.rolling YAML --data qlib:DATA --plan` does; nothing is trained. CSI 500 and its benchmark, which
DATA may lack, are taken for CSI 300.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

from benchmarks.measuring import DATA
from components.config import parse_config
from components.data import Market, open_market
from components.errors import InputError
from components.rolling import rolling_tasks

_HEAD = """# Qlib's published configs

Each workflow below Qlib's `examples/benchmarks`, as it is but for the path of the data, planned as a rolling run by
`python -m benchmarks.qlib_configs`. {runs} of {count} run; the others are refused before any work, with the line in
the table.

| config | model | |
|---|---|---|"""
#: A universe and a benchmark, and what they are taken for.
_RENAMED = {"csi500": "csi300", "SH000905": "SH000300"}


def verdict(text: str, market: Market) -> tuple[str, str]:
    """The model of a config, and how many windows it has or why it has none."""
    model = re.search(r"model:\s+class:\s+(\w+)", text)
    try:
        for name, other in _RENAMED.items():
            text = text.replace(name, other)
        config = parse_config(text, "").with_options(data=market.uri)
        windows = len(rolling_tasks(config, market))
    except InputError as error:
        return model[1] if model else "", str(error).removeprefix("config : ").removeprefix("config: ")
    return str(config.template().model["class"]), f"{windows} windows"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="a checkout of Qlib")
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="a Qlib folder with csi300")
    args = parser.parse_args()
    market, folder = open_market(f"qlib:{args.data}"), args.checkout / "examples" / "benchmarks"
    rows = []
    for file in sorted(folder.rglob("*.yaml")):
        if "task:" not in (text := file.read_text("utf-8")):
            continue
        model, found = verdict(text, market)
        rows.append((file.relative_to(folder).as_posix(), model, found))
        print(f"{len(rows)} {rows[-1]}", file=sys.stderr)
    runs = Counter(found.endswith(" windows") for _, _, found in rows)[True]
    print(_HEAD.format(runs=runs, count=len(rows)))
    for name, model, found in rows:
        print(f"| {name} | {model} | {'runs' if found.endswith(' windows') else found.replace('|', '/')} |")


if __name__ == "__main__":
    main()
