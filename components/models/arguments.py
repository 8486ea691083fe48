"""What the models that pass parameters on to a library have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from components.build import ModuleUnavailable
from components.errors import InputError
from components.models.model import FitContext


def with_context(
    model: str, params: Mapping[str, Any], context: FitContext, *, threads: Sequence[str], seeds: Sequence[str]
) -> dict[str, Any]:
    """Parameters of a library with what the context says of threads and seed.

    Args:
        model: Name of the model's class, for the error.
        params: The parameters as they were given.
        context: Its threads are a ceiling on what the parameters ask for; its seed is for those that name none.
        threads: The library's names for the number of threads; the first one is used.
        seeds: The library's names for the seed; the first one is used.

    Raises:
        InputError: when a number of threads is not a whole number.
    """
    given = {name: params[name] for name in threads if params.get(name) is not None}
    for name, number in given.items():
        if type(number) is not int:
            raise InputError(f"{model}: {name} must be a whole number, not {number!r:.60}")
    others = {name: value for name, value in params.items() if name not in threads}
    limits = [number for number in (*given.values(), context.threads or 0) if number > 0]
    if context.seed is not None and not others.keys() & set(seeds):
        others[seeds[0]] = context.seed
    return others | ({threads[0]: min(limits)} if limits else {})


def check_extra(model: str, module: str) -> None:
    """Do nothing where a library is installed that rollflow only has as an extra of the same name.

    Raises:
        ModuleUnavailable: with the command that installs it.
    """
    if find_spec(module) is None:
        raise ModuleUnavailable(
            f"{model} needs {module}; install it with: pip install 'rollflow[{module}]'", module
        )
