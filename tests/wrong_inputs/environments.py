"""Settings of the environment."""

from __future__ import annotations

import os
from pathlib import Path

from wrong_inputs.case import CONFIG, Case, Prepare, write_config

_RIGHT: Prepare = write_config(CONFIG)


def _setting(name: str, value: str, says: str, prepare: Prepare = _RIGHT, command: str = "flows.rolling") -> Case:
    arguments = ("run.yaml",) if command == "flows.rolling" else ()
    return Case(
        name=f"{name}={value!r:.60}" + ("" if command == "flows.rolling" else f" of {command}"),
        says=says,
        command=command,
        arguments=arguments,
        environ={name: value},
        prepare=prepare,
    )


def _closed(folder: Path) -> None:
    _RIGHT(folder)
    (folder / "file").write_text("")


def _pipe(folder: Path) -> None:
    _RIGHT(folder)
    os.mkfifo(folder / "pipe")


CASES = [
    _setting(
        "ROLLFLOW_LAESE", "5", "unknown setting ROLLFLOW_LAESE in the environment; did you mean 'ROLLFLOW_LEASE'?"
    ),
    _setting("ROLLFLOW_EXPERIMENT", "x", "unknown setting ROLLFLOW_EXPERIMENT"),
    _setting("ROLLFLOW_", "x", "unknown setting ROLLFLOW_"),
    _setting("ROLLFLOW_LEASE", "soon", "setting ROLLFLOW_LEASE: 'soon' is not a number of seconds"),
    _setting("ROLLFLOW_LEASE", "0", "setting ROLLFLOW_LEASE: '0'"),
    _setting("ROLLFLOW_LEASE", "-5", "setting ROLLFLOW_LEASE: '-5'"),
    _setting("ROLLFLOW_LEASE", "nan", "setting ROLLFLOW_LEASE: 'nan'"),
    _setting("ROLLFLOW_LEASE", "inf", "setting ROLLFLOW_LEASE: 'inf'"),
    _setting("ROLLFLOW_LEASE", "1e12", "setting ROLLFLOW_LEASE: '1e12'"),
    _setting("ROLLFLOW_LEASE", "60s", "setting ROLLFLOW_LEASE: '60s'"),
    _setting("ROLLFLOW_MONGO_PORT", "http", "setting ROLLFLOW_MONGO_PORT: 'http' is not a port"),
    _setting("ROLLFLOW_MONGO_PORT", "0", "setting ROLLFLOW_MONGO_PORT: '0' is not a port"),
    _setting("ROLLFLOW_MONGO_PORT", "70000", "setting ROLLFLOW_MONGO_PORT: '70000' is not a port"),
    _setting("ROLLFLOW_MONGO_PORT", "-1", "setting ROLLFLOW_MONGO_PORT"),
    _setting("ROLLFLOW_MONGOD", "/no/such/mongod", "setting ROLLFLOW_MONGOD: /no/such/mongod is not a program"),
    _setting("ROLLFLOW_MONGOD", "{here}", "is not a program"),
    _setting("ROLLFLOW_MONGOD", "{here}/run.yaml", "is not a program"),
    _setting("ROLLFLOW_DATABASE", "a/b", "setting ROLLFLOW_DATABASE: 'a/b'"),
    _setting("ROLLFLOW_DATABASE", "a b", "setting ROLLFLOW_DATABASE: 'a b'"),
    _setting("ROLLFLOW_DATABASE", "x" * 64, "setting ROLLFLOW_DATABASE"),
    _setting("ROLLFLOW_DATABASE", "$x", "setting ROLLFLOW_DATABASE: '$x'"),
    _setting("ROLLFLOW_HOME", "{here}/file", ["setting ROLLFLOW_HOME: ", "here}/file is not a folder"][0], _closed),
    _setting("ROLLFLOW_HOME", "{here}/file/below", "setting ROLLFLOW_HOME", _closed),
    _setting("ROLLFLOW_HOME", "{here}/pipe", "setting ROLLFLOW_HOME", _pipe),
    _setting("ROLLFLOW_HOME", "/proc/rollflow", "/proc/rollflow"),
    _setting("ROLLFLOW_HOME", "/" + "x" * 300, "setting ROLLFLOW_HOME"),
    _setting("ROLLFLOW_HOME", "~nobodyatall/x", "setting ROLLFLOW_HOME"),
    _setting(
        "ROLLFLOW_TRUSTED_MODULES",
        "my-package",
        "setting ROLLFLOW_TRUSTED_MODULES: 'my-package' is not the name of a package",
    ),
    _setting("ROLLFLOW_TRUSTED_MODULES", "a;b", "setting ROLLFLOW_TRUSTED_MODULES: 'a;b'"),
    _setting("ROLLFLOW_TRUSTED_MODULES", "./models.py", "setting ROLLFLOW_TRUSTED_MODULES: './models.py'"),
    _setting("ROLLFLOW_TRUSTED_MODULES", "*", "setting ROLLFLOW_TRUSTED_MODULES: '*'"),
    _setting("ROLLFLOW_MONGO_URL", "http://localhost", "MongoDB address"),
    _setting("ROLLFLOW_MONGO_URL", "mongodb://", "MongoDB address"),
    _setting("ROLLFLOW_MONGO_URL", "mongodb://h:99999/", "MongoDB address"),
    _setting("ROLLFLOW_MONGO_URL", "mongodb://u:p@ss@h/", "MongoDB address"),
    _setting("ROLLFLOW_MONGO_URL", "mongodb://h/?nonsense=1", "MongoDB address"),
    _setting("MLFLOW_TRACKING_URI", "postgresql://h/db", "MLFLOW_TRACKING_URI"),
    _setting("MLFLOW_TRACKING_URI", "mysql://h/db", "MLFLOW_TRACKING_URI"),
    _setting("MLFLOW_TRACKING_URI", "mssql+pyodbc://h/db", "MLFLOW_TRACKING_URI"),
    _setting("MLFLOW_TRACKING_URI", "postgresql+nonsense://h/db", "MLFLOW_TRACKING_URI"),
    _setting("MLFLOW_TRACKING_URI", "ftp://h", "not an MLflow store; use sqlite:///FILE or http://HOST"),
    _setting("MLFLOW_TRACKING_URI", "mlruns", "MLflow no longer keeps runs in folders"),
    _setting("MLFLOW_TRACKING_URI", "sqlite://", "MLFLOW_TRACKING_URI"),
    _setting("MLFLOW_TRACKING_URI", "sqlite:///{here}", "MLFLOW_TRACKING_URI"),
    _setting("MLFLOW_TRACKING_URI", "http://", "MLFLOW_TRACKING_URI"),
    _setting("MLFLOW_TRACKING_URI", "http://h:99999", "MLFLOW_TRACKING_URI"),
    _setting("ROLLFLOW_LEASE", "soon", "setting ROLLFLOW_LEASE", command="flows.worker"),
    _setting("ROLLFLOW_LAESE", "5", "did you mean 'ROLLFLOW_LEASE'", command="flows.features"),
    _setting("ROLLFLOW_MONGO_PORT", "x", "setting ROLLFLOW_MONGO_PORT", command="flows.train"),
]
