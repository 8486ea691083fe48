"""Which model a config means: rollflow's own, a user's, or an estimator of scikit-learn by its name alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from components.build import build, find_class
from components.errors import InputError
from components.models.model import Model

_MODULE = "components.models"


def build_model(config: Mapping[str, Any], trusted: Iterable[str] = ()) -> Model:
    """The model that a description names, not fitted.

    Raises:
        InputError: when the description is wrong, or is not one of a model.
    """
    packages = tuple(trusted)
    return build(model_config(config, packages), Model, default_module=_MODULE, trusted=packages)


def model_class(config: Mapping[str, Any], trusted: Iterable[str] = ()) -> type[Model]:
    """The class of the model that a description names.

    Raises:
        InputError: as for `build_model`, but for its arguments.
    """
    packages = tuple(trusted)
    return find_class(model_config(config, packages), Model, default_module=_MODULE, trusted=packages)


def model_config(config: Mapping[str, Any], trusted: Iterable[str] = ()) -> Mapping[str, Any]:
    """The description of a model; that of an estimator of scikit-learn becomes one of `SklearnModel`.

    So ``{"class": "Ridge", "module_path": "sklearn.linear_model"}`` is a model, and so is an estimator in a
    trusted package. Anything else is returned as it is.
    """
    if not _is_estimator(config, tuple(trusted)):
        return config
    return {"class": "SklearnModel", "module_path": _MODULE, "kwargs": {"estimator": dict(config)}}


def _is_estimator(config: Mapping[str, Any], trusted: tuple[str, ...]) -> bool:
    path = config.get("module_path") or config.get("class")
    if isinstance(path, str) and path.startswith("sklearn."):
        return True
    try:
        cls = find_class(config, object, default_module=_MODULE, trusted=(*trusted, "sklearn"))
    except InputError:
        return False  # who builds it says why
    # without an import of scikit-learn, which takes a second: who derives from a class of it has imported it
    names = {f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__}
    return "sklearn.base.BaseEstimator" in names and not issubclass(cls, Model)
