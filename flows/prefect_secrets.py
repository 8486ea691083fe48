"""Keeping secrets out of what Prefect stores: its logs, and the messages of states."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from components.redaction import redacted

P = ParamSpec("P")
R = TypeVar("R")

#: The loggers to which Prefect attaches the handlers that send to its server, and to a terminal.
_LOGGERS = ("prefect", "prefect.flow_runs", "prefect.task_runs")


class _Redacting(logging.Filter):
    """Takes the secrets out of a record; its traceback is made here, for it is what names addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redacted(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


def without_secrets(function: Callable[P, R]) -> Callable[P, R]:
    """Around the function of a flow or a node: what it logs and the errors that it raises hold no secrets."""

    @wraps(function)
    def outer(*args: P.args, **kwargs: P.kwargs) -> R:
        _protect_logs()
        try:
            return function(*args, **kwargs)
        except Exception as error:
            _redact(error)
            raise

    return outer


def _protect_logs() -> None:
    """Once for each handler of this process."""
    for name in _LOGGERS:
        for handler in logging.getLogger(name).handlers:
            if not any(isinstance(each, _Redacting) for each in handler.filters):
                handler.addFilter(_Redacting())


def _redact(error: BaseException | None) -> None:
    """Change the texts of an error and of what caused it, of which Prefect makes the message of a state."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.args = tuple(redacted(part) if isinstance(part, str) else part for part in error.args)
        error = error.__cause__ or error.__context__
