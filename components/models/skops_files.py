"""Fitted estimators of scikit-learn in skops' format, from which nothing is loaded that is not trusted."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

from components.build import trusted_packages
from components.errors import InputError

#: Packages whose classes may be in a saved estimator.
_TRUSTED = ("sklearn", "numpy", "scipy")


def dump(estimator: Any, file: Path) -> None:
    """Write a fitted estimator."""
    import skops.io

    skops.io.dump(estimator, file)


def load(file: Path) -> Any:
    """Read a fitted estimator.

    Raises:
        InputError: when something in it is not a class of scikit-learn, NumPy, SciPy or a trusted package.
    """
    import skops.io

    return skops.io.load(file, trusted=_trusted_types(file))


def types_of(estimator: Any) -> list[str]:
    """Names of the types in a fitted estimator that skops does not trust by itself, and rollflow does.

    Raises:
        InputError: as for `load`.
    """
    with tempfile.TemporaryDirectory(prefix="rollflow-") as folder:
        file = Path(folder) / "estimator.skops"
        dump(estimator, file)
        return _trusted_types(file)


def _trusted_types(file: Path) -> list[str]:
    import skops.io

    names: list[str] = skops.io.get_untrusted_types(file=file)
    for name in names:
        if not _is_trusted(name):
            raise InputError(
                f"the saved estimator holds a {name}, which is not a class of a trusted module; "
                "to trust it, name its package in ROLLFLOW_TRUSTED_MODULES"
            )
    return names


def _is_trusted(name: str) -> bool:
    """Whether a dotted name is one of a class, and in a package that is trusted."""
    module, _, cls = name.rpartition(".")
    if module.partition(".")[0] not in _TRUSTED and not any(
        module == package or module.startswith(f"{package}.") for package in trusted_packages()
    ):
        return False
    # a function could do anything with what stands beside it in the file
    return isinstance(getattr(importlib.import_module(module), cls, None), type)
