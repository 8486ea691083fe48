"""Options of all commands."""

from __future__ import annotations

from pathlib import Path

from wrong_inputs.case import CONFIG, HANDLER, LOADER, Case, Prepare, with_value, write_config

_RIGHT: Prepare = write_config(CONFIG)


def _option(*arguments: str, says: str, command: str = "flows.rolling", prepare: Prepare = _RIGHT) -> Case:
    config = [] if command in ("flows.worker", "components.pool", "components.tracking") else ["run.yaml"]
    name = " ".join((command, *arguments))[:90]
    return Case(name=name, says=says, command=command, arguments=(*config, *arguments), prepare=prepare)


def _closed(folder: Path) -> None:
    _RIGHT(folder)
    (folder / "taken.json").mkdir()
    (folder / "file").write_text("")


CASES = [
    _option(
        "--step",
        "0",
        says="argument --step: 0 is not a positive number; python -m flows.rolling --help shows all options",
    ),
    _option("--step", "-5", says="argument --step"),
    _option("--step", "many", says="argument --step: many is not a whole number"),
    _option("--step", "2.5", says="argument --step: 2.5 is not a whole number"),
    _option("--step", "1" * 500, says="is too large"),
    _option("--step", "٣", says="argument --step"),
    _option("--step", "", says="argument --step"),
    _option("--workers", "0", says="argument --workers: 0 is not a positive number"),
    _option("--workers", "x", says="argument --workers: x is not a whole number"),
    _option("--kind", "growing", says="argument --kind: invalid choice: 'growing'"),
    _option("--runner", "spark", says="argument --runner: invalid choice: 'spark'"),
    _option("--stp", "5", says="unknown option --stp; did you mean '--step'?"),
    _option("second.yaml", says="unknown option second.yaml"),
    _option("--json", "taken.json", says="taken.json is a folder; give the name of a file", prepare=_closed),
    _option("--json", "/", says="/ is a folder; give the name of a file"),
    _option("--json", "no/such/folder/out.json", says="no/such/folder does not exist"),
    _option("--json", "file/out.json", says="file does not exist", prepare=_closed),
    _option("--json", "x" * 300, says="argument --json"),
    _option("--json", "", says="is a folder; give the name of a file"),
    _option("--experiment", "../x", says="experiment '../x': it begins with '.'"),
    _option("--experiment", "/x", says="a name cannot hold '/'"),
    _option("--experiment", "a\tb", says="a name cannot hold '\\t'"),
    _option("--experiment", " ", says="experiment ' ': it is empty"),
    _option("--pool", "../x", says="pool '../x': it begins with '.'"),
    _option("--pool", "a/b", says="a name cannot hold '/'"),
    _option("--pool", "x" * 200, says="it is longer than 120 bytes"),
    _option("--data", "nowhere", says="write demo:, qlib:PATH"),
    _option("--data", "demo:?years=99", says="years must be a whole number from 1 to 30"),
    _option("--data", "qlib:/no/such", says="/no/such does not exist"),
    _option("--dask", "tcp://h:1", says="--dask ADDRESS is for --runner dask"),
    _option(
        "--runner",
        "dask",
        "--dask",
        "nonsense",
        says="--dask 'nonsense': expected an address such as tcp://HOST:8786",
    ),
    _option("--runner", "dask", "--dask", "tcp://h:99999", says="--dask 'tcp://h:99999'"),
    _option("--plan", "--json", "out.json", says="--json is written by a run, and --plan runs nothing"),
    _option("--step", "5", command="flows.train", says="unknown option --step"),
    _option("--experiment", "..", command="flows.train", says="experiment '..': it begins with '.'"),
    _option("--json", "/", command="flows.train", says="/ is a folder; give the name of a file"),
    _option("--data", "qlib:.", command="flows.train", says="is not a Qlib data folder"),
    _option("--out", "/", command="flows.features", says="/ is a folder"),
    _option("--out", "no/such/x.parquet", command="flows.features", says="no/such does not exist"),
    _option("--out", "x" * 300, command="flows.features", says="File name too long"),
    _option("--data", "csv:none.csv", command="flows.features", says="none.csv does not exist"),
    _option("--plan", command="flows.features", says="unknown option --plan"),
    Case(
        name="flows.features no config",
        says="config none.yaml: does not exist",
        command="flows.features",
        arguments=("none.yaml",),
    ),
    Case(
        name="flows.train no config",
        says="config none.yaml: does not exist",
        command="flows.train",
        arguments=("none.yaml",),
    ),
    _option("--pool", "../x", command="flows.worker", says="pool '../x': it begins with '.'"),
    _option("--pool", "", command="flows.worker", says="argument --pool: the value is empty"),
    _option("--memory", "lots", command="flows.worker", says="lots"),
    _option("--memory", "-1G", command="flows.worker", says="--memory"),
    _option("--timeout", "0", command="flows.worker", says="argument --timeout: 0 is not a positive number"),
    _option("--timeout", "nan", command="flows.worker", says="argument --timeout: nan is not a finite number"),
    _option("--timeout", "soon", command="flows.worker", says="argument --timeout: soon is not a number"),
    _option("--workers", "-1", command="flows.worker", says="argument --workers"),
    _option("--query", "{", command="flows.worker", says="the query"),
    _option("--query", "[1]", command="flows.worker", says="the query"),
    _option("--phase", "end", command="flows.worker", says="argument --phase: invalid choice: 'end'"),
    _option("--data", "qlib:/no/such", command="flows.worker", says="/no/such does not exist"),
    _option("--json", "/", command="flows.worker", says="/ is a folder; give the name of a file"),
    _option("run.yaml", command="flows.worker", says="unknown option run.yaml"),
    _option("counts", "--pool", "../x", command="components.pool", says="pool '../x': it begins with '.'"),
    _option("counts", "--query", "{", command="components.pool", says="--query is not JSON"),
    _option("query", "--query", "[]", command="components.pool", says="--query: expected a JSON object"),
    _option("counts", "--window", "soon", command="components.pool", says="--window soon: not a day"),
    _option("reset", "--status", "lost", command="components.pool", says="unknown state 'lost'"),
    _option("list", "--nonsense", command="components.pool", says="unrecognized arguments: --nonsense"),
    _option("frobnicate", command="components.pool", says="invalid choice: 'frobnicate'"),
    _option("frobnicate", command="components.tracking", says="invalid choice: 'frobnicate'"),
    *(
        with_value(path, value, says, command="flows.features")
        for path, value, says in (
            (f"{LOADER}.feature", [["$clos"], ["F"]], "no field $clos"),
            (f"{LOADER}.feature", [["Mean($close)"], ["F"]], "Mean takes 2 arguments, not 1"),
            (f"{HANDLER}.kwargs.instruments", "csi300", "no universe 'csi300'"),
            (f"{HANDLER}.kwargs.start_time", "2030-01-01", "no trading day between 2030-01-01"),
            (f"{HANDLER}.kwargs.learn_processors", "DropnaLabel", "expected a list of processors"),
        )
    ),
]
