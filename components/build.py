"""Objects from their description in a config: ``class``, ``module_path``, ``kwargs``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from components.errors import InputError, nearest

#: Qlib's modules, as configs name them, and where rollflow has the classes of the same name.
QLIB_MODULES = {
    "qlib.contrib.model.gbdt": "components.models",
    "qlib.contrib.model.linear": "components.models",
    "qlib.data.dataset": "components.features",
    "qlib.contrib.data.handler": "components.features",
    "qlib.data.dataset.handler": "components.features",
    "qlib.data.dataset.loader": "components.features",
    "qlib.data.dataset.processor": "components.features.processors",
    "qlib.workflow.record_temp": "components.tracking",
    "qlib.contrib.strategy": "components.backtest",
    "qlib.contrib.strategy.signal_strategy": "components.backtest",
}


class ModuleUnavailable(InputError):
    """A module is not installed here, or not trusted; both may be different elsewhere."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message, path)
        self.message = message
        #: The module's dotted path.
        self.path = path

    def __str__(self) -> str:
        return self.message


def build(config: Mapping[str, Any], *, default_module: str, trusted: Iterable[str] = (), **defaults: Any) -> Any:
    """The object that a description names; Qlib's module paths mean rollflow's classes of the same name.

    Args:
        config: ``{"class": ..., "module_path": ..., "kwargs": {...}}``; `class` may be dotted itself.
        default_module: Where to look when there is no `module_path`.
        trusted: Packages, besides `components`, whose classes may be built. Importing a module runs its code.
        defaults: Arguments that are passed where the class accepts them and the description is silent.

    Raises:
        InputError: for an untrusted or missing module, an unknown class or wrong arguments.
    """
    cls = find_class(config, default_module=default_module, trusted=trusted)
    kwargs = dict(config.get("kwargs") or {})
    accepted = inspect.signature(cls).parameters
    kwargs = {name: value for name, value in defaults.items() if name in accepted} | kwargs
    try:
        inspect.signature(cls).bind(**kwargs)
    except TypeError as error:
        wrong = [name for name in kwargs if name not in accepted]
        hint = nearest(wrong[0], accepted) if wrong else ""
        raise InputError(f"{config['class']}: {error}{hint}") from None
    return cls(**kwargs)


def find_class(config: Mapping[str, Any], *, default_module: str, trusted: Iterable[str] = ()) -> type:
    """The class that a description names.

    Raises:
        InputError: as for `build`.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("class"), str):
        raise InputError(f"expected a description with 'class' and 'kwargs', got {config!r:.120}")
    for key in config:
        if key not in ("class", "module_path", "kwargs"):
            raise InputError(f"{config['class']}: unknown key {key!r} in its description{nearest(key, _KEYS)}")
    path, _, name = config["class"].rpartition(".")
    path = config.get("module_path") or path or default_module
    module = _import(path, name, tuple(trusted))
    cls = getattr(module, name, None)
    if not isinstance(cls, type):
        known = [key for key in getattr(module, "__all__", vars(module)) if isinstance(getattr(module, key), type)]
        raise InputError(f"no class {name!r} in {module.__name__}{nearest(name, known)}")
    return cls


_KEYS = ("class", "module_path", "kwargs")


def _import(path: str, name: str, trusted: tuple[str, ...]) -> Any:
    if path.split(".")[0] == "qlib":
        if path not in QLIB_MODULES:
            raise InputError(f"{path}.{name} has no counterpart here; known are {', '.join(sorted(QLIB_MODULES))}")
        path = QLIB_MODULES[path]
    if not any(path == package or path.startswith(f"{package}.") for package in ("components", *trusted)):
        raise ModuleUnavailable(
            f"class {path}.{name} is not from a trusted module; to trust it, set ROLLFLOW_TRUSTED_MODULES={path}",
            path,
        )
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        raise ModuleUnavailable(f"module {path!r} of class {name!r} cannot be imported: {error}", path) from None
