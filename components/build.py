"""Objects from their description in a config: ``class``, ``module_path``, ``kwargs``."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any, TypeVar

from components.errors import InputError, RollflowError, nearest

T = TypeVar("T")

#: Qlib's modules, as configs name them, and where rollflow has the classes of the same name.
QLIB_MODULES = {
    "qlib.contrib.model.gbdt": "components.models",
    "qlib.contrib.model.catboost_model": "components.models",
    "qlib.contrib.model.double_ensemble": "components.models",
    "qlib.contrib.model.linear": "components.models",
    "qlib.contrib.model.xgboost": "components.models",
    "qlib.data.dataset": "components.features",
    "qlib.contrib.data.handler": "components.features",
    "qlib.data.dataset.handler": "components.features",
    "qlib.data.dataset.loader": "components.features",
    "qlib.data.dataset.processor": "components.features.processors",
    "qlib.workflow.record_temp": "components.tracking",
    "qlib.contrib.strategy": "components.backtest",
    "qlib.contrib.strategy.signal_strategy": "components.backtest",
}

_KEYS = ("class", "module_path", "kwargs")
#: Packages whose classes can never be built, trusted or not: none of them is a subclass of ours.
_LIBRARIES = frozenset({"sklearn", "lightgbm", "xgboost", "catboost", "torch"})
#: The packages that are trusted, also by what an object builds while it is built itself.
_TRUSTED: ContextVar[tuple[str, ...]] = ContextVar("trusted", default=())


class ModuleUnavailable(InputError):
    """A module is not installed here, or not trusted; both may be different elsewhere."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message, path)
        self.message = message
        #: The module's dotted path.
        self.path = path

    def __str__(self) -> str:
        return self.message


@contextmanager
def trusting(packages: Iterable[str]) -> Iterator[None]:
    """Trust packages, besides `components`, with whatever is built in the block."""
    token = _TRUSTED.set(tuple(packages))
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def trusted_packages() -> tuple[str, ...]:
    """The packages, besides `components`, that are trusted by what is built here and now."""
    return _TRUSTED.get()


def build(
    config: Mapping[str, Any],
    kind: type[T],
    *,
    default_module: str,
    trusted: Iterable[str] | None = None,
    **defaults: Any,
) -> T:
    """The object that a description names; Qlib's module paths mean rollflow's classes of the same name.

    Args:
        config: ``{"class": ..., "module_path": ..., "kwargs": {...}}``; `class` may be dotted itself.
        kind: What the class must be a subclass of. It is checked before anything is constructed.
        default_module: Where to look when there is no `module_path`.
        trusted: Packages, besides `components`, whose classes may be built, also by the constructor of the class;
            None: those of the build or the `trusting` block around this one. Importing a module runs its code.
        defaults: Arguments that are passed where the class accepts them and the description is silent.

    Raises:
        InputError: for an untrusted or missing module, an unknown class, one of another kind or wrong arguments.
    """
    packages = _TRUSTED.get() if trusted is None else tuple(trusted)
    cls = find_class(config, kind, default_module=default_module, trusted=packages)
    if inspect.isabstract(cls):
        raise InputError(f"{config['class']} is abstract; name a class that is derived from it")
    kwargs = read_kwargs(config)
    accepted = inspect.signature(cls).parameters
    kwargs = {name: value for name, value in defaults.items() if name in accepted} | kwargs
    try:
        inspect.signature(cls).bind(**kwargs)
    except TypeError as error:
        wrong = [name for name in kwargs if name not in accepted]
        hint = (nearest(wrong[0], accepted) or f"; it takes {', '.join(accepted) or 'none'}") if wrong else ""
        raise InputError(f"{config['class']}: {error}{hint}") from None
    with trusting(packages):
        try:
            return cls(**kwargs)
        except RollflowError:
            raise
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{config['class']} cannot be made from its kwargs: {type(error).__name__}: {_one_line(error)}"
            ) from error


def find_class(
    config: Mapping[str, Any], kind: type[T], *, default_module: str, trusted: Iterable[str] | None = None
) -> type[T]:
    """The class that a description names, which is a subclass of `kind`; see `build`.

    Raises:
        InputError: as for `build`.
    """
    packages = ("components", *(_TRUSTED.get() if trusted is None else trusted))
    path, name = _place(config, default_module)
    if path.split(".")[0] == "qlib":
        if path not in QLIB_MODULES:
            ours = ", ".join(_classes(_import(default_module, name, packages), kind))
            hint = f"; take {ours}, or one of your own as docs/models.md shows" if ours else ""
            raise InputError(f"{path}.{name} has no counterpart here{hint}")
        path = QLIB_MODULES[path]
    module = _import(path, name, packages)
    cls = getattr(module, name, None)
    if not isinstance(cls, type):
        known = _classes(module, kind)
        hint = nearest(name, known) or (f"; it has {', '.join(known)}" if known else "")
        raise InputError(f"no class {name!r} in {module.__name__}{hint}")
    if not issubclass(cls, kind):
        raise InputError(f"{config['class']} is not a {kind.__name__}: it must be a subclass of {_public(kind)}")
    _refuse_untrusted(cls.__module__, name, packages)  # a trusted module may have imported it from elsewhere
    return cls


def _classes(module: ModuleType, kind: type) -> list[str]:
    """The names of the classes of a kind that a module offers."""
    found = {key: getattr(module, key, None) for key in getattr(module, "__all__", vars(module))}
    return sorted(key for key, value in found.items() if _is(value, kind) and not inspect.isabstract(value))


def _place(config: Any, default_module: str) -> tuple[str, str]:
    """Dotted path of the module, and name of the class."""
    if not isinstance(config, Mapping) or not isinstance(config.get("class"), str):
        raise InputError(f"expected a description with 'class' and 'kwargs', got {config!r:.120}")
    for key in config:
        if key not in _KEYS:
            hint = nearest(str(key), _KEYS)
            raise InputError(f"{config['class']}: unknown key {key!r} in its description{hint}")
    path, _, name = config["class"].rpartition(".")
    path = config.get("module_path") or path or default_module
    if not isinstance(path, str) or not all(part.isidentifier() for part in (*path.split("."), name)):
        raise InputError(
            f"{config['class']!r:.80}: class and module_path must be dotted names, not module_path {path!r:.80}"
        )
    return path, name


def read_kwargs(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in a description.

    Raises:
        InputError: when they are not names and values.
    """
    kwargs = config.get("kwargs") or {}
    if not isinstance(kwargs, Mapping) or not all(isinstance(name, str) for name in kwargs):
        raise InputError(f"{config['class']}: kwargs must be names and values, not {kwargs!r:.80}")
    return dict(kwargs)


def _import(path: str, name: str, packages: tuple[str, ...]) -> ModuleType:
    _refuse_untrusted(path, name, packages)
    try:
        return importlib.import_module(path)
    except ImportError as error:
        raise ModuleUnavailable(
            f"module {path!r} of class {name!r} cannot be imported: {_one_line(error)}", path
        ) from None
    except (Exception, SystemExit) as error:
        raise InputError(
            f"module {path!r} of class {name!r} cannot be imported: {type(error).__name__}: {_one_line(error)}"
        ) from None


def _refuse_untrusted(path: str, name: str, packages: tuple[str, ...]) -> None:
    if any(path == package or path.startswith(f"{package}.") for package in packages):
        return
    top = path.split(".")[0]
    if top in _LIBRARIES or top in sys.stdlib_module_names:
        raise ModuleUnavailable(
            f"class {path}.{name} is not one of rollflow's; derive a class of your own from "
            "components.models.Model (or Processor, Record, ...) that uses it, and name that",
            path,
        )
    every = ",".join((*packages[1:], path))
    raise ModuleUnavailable(
        f"class {path}.{name} is not from a trusted module; to trust it, set ROLLFLOW_TRUSTED_MODULES={every}", path
    )


def _is(value: object, kind: type) -> bool:
    return isinstance(value, type) and issubclass(value, kind)


def _public(kind: type) -> str:
    """Where a class is meant to be imported from: the package that offers it."""
    package = kind.__module__.rpartition(".")[0]
    offered = getattr(sys.modules.get(package), "__all__", ())
    return f"{package if kind.__name__ in offered else kind.__module__}.{kind.__name__}"


def _one_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
