"""Models in MLflow's own form, which its registry keeps and its servers serve."""

from __future__ import annotations

import importlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from components.errors import InputError
from components.models import MODEL_FOLDER, Manifest
from components.models.skops_files import types_of
from components.records.record import ArtifactFolder, Record

#: Libraries whose models MLflow keeps in an open format, and their packages.
_LIBRARIES = {
    "lightgbm": ("lightgbm",),
    "sklearn": ("scikit-learn", "skops"),
    "catboost": ("catboost",),
    "xgboost": ("xgboost", "xgboost-cpu"),  # the one that is installed
}


class _Rows(Protocol):
    @property
    def features(self) -> Sequence[str]: ...


class _Dataset(Protocol):
    def infer(self, segment: str) -> _Rows: ...


class _Model(Protocol):
    def native(self) -> Any: ...


class MlflowModelRecord(Record):
    """The fitted model in MLflow's form, beside our own files in ``model/``: ``runs:/ID/model`` can be served.

    It takes the features by name, as they are after the processors of the handler for inference, and gives scores.
    """

    needs_model = True

    def __init__(self, model: _Model, dataset: _Dataset) -> None:
        self.model = model
        self.dataset = dataset

    def generate(self, artifacts: ArtifactFolder) -> Mapping[str, float]:
        """Write the model; there are no metrics."""
        folder = artifacts.folder / MODEL_FOLDER
        features, taken = self.dataset.infer("test").features, Manifest.read(folder).files
        save_mlflow_model(self.model.native(), features, folder, taken)
        return {}


def save_mlflow_model(native: Any, features: Sequence[str], folder: Path, taken: Iterable[str]) -> None:
    """Write a model of a library that MLflow knows into the folder of our own form of it.

    Args:
        native: A booster of LightGBM or XGBoost, a model of CatBoost or a fitted estimator of scikit-learn.
        features: Names of the model's inputs, in its order.
        folder: Where to.
        taken: Files that belong to our own form of the model.

    Raises:
        InputError: for a model of another library, or when it has a file that MLflow needs for its own.
    """
    # one of a user's own is derived from one of a library
    library = next((name for base in type(native).__mro__ if (name := _top(base)) in _LIBRARIES), None)
    if library is None:
        raise InputError(
            f"a {type(native).__module__}.{type(native).__name__} has no open form in MLflow; "
            f"known are models of {', '.join(_LIBRARIES)}"
        )
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = Schema([ColSpec("double", name) for name in features])
    signature = ModelSignature(inputs, Schema([ColSpec("double")]))
    # Left to itself, MLflow would load the model in a new process to see what it imports, which takes seconds.
    packages = ("mlflow", *_LIBRARIES[library], "numpy", "pandas")
    needed = [f"{package}=={found}" for package in packages if (found := _version(package))]
    flavour = importlib.import_module(f"mlflow.{library}")
    options: dict[str, Any] = {}
    if library == "sklearn":
        options["skops_trusted_types"] = types_of(native)
    with tempfile.TemporaryDirectory(prefix="rollflow-") as draft:
        flavour.save_model(native, draft, signature=signature, pip_requirements=needed, **options)
        written = {path.name for path in Path(draft).iterdir()}
        if both := written & {Path(name).parts[0] for name in taken}:
            raise InputError(f"the model has a file {min(both)}: MLflow needs that name, give it another one")
        shutil.copytree(draft, folder, dirs_exist_ok=True)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _top(cls: type) -> str:
    return cls.__module__.partition(".")[0]
