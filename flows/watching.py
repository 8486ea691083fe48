"""What watches never ends what it watches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

P = ParamSpec("P")

log = logging.getLogger(__name__)


def harmless(show: Callable[P, object]) -> Callable[P, None]:
    """Something that only shows how work gets on: what goes wrong in it is logged, and the work goes on."""

    @wraps(show)
    def outer(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            show(*args, **kwargs)
        except Exception:
            log.debug("not shown", exc_info=True)

    return outer
