"""Parameters as MLflow takes them, and what it would cut kept whole beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

#: Artifact with the parameters, by name, that are too long for MLflow.
WHOLE_PARAMS = "params.json"
#: MLflow's limits.
_NAME_LENGTH = 250
_VALUE_LENGTH = 6000
_ELLIPSIS = "..."


def flat_params(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as text, nested ones under dotted names."""
    return {name: str(value) for name, value in _flat(params, "")}


def fitting(params: Mapping[str, str]) -> dict[str, str]:
    """The parameters with names and values that MLflow takes."""
    return {fitting_name(name): _fitting_value(value) for name, value in params.items()}


def unfit(params: Mapping[str, str]) -> dict[str, str]:
    """Those of the parameters that MLflow would not take as they are."""
    return {
        name: value
        for name, value in params.items()
        if fitting_name(name) != name or _fitting_value(value) != value
    }


def fitting_name(name: str) -> str:
    """A name of a parameter, metric or tag that MLflow takes; different long names stay different."""
    plain = "".join(char if char.isalnum() or char in "_-. /" else "_" for char in name)
    if len(plain) <= _NAME_LENGTH:
        return plain
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain[: _NAME_LENGTH - len(digest) - 1]}-{digest}"


def _fitting_value(value: str) -> str:
    return value if len(value) <= _VALUE_LENGTH else value[: _VALUE_LENGTH - len(_ELLIPSIS)] + _ELLIPSIS


def _flat(params: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in params.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
