"""Ending a run early."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flows.stopping import run_or_stop


def test_what_trains_already_is_stopped_when_the_rest_cannot_be_begun() -> None:
    def begin() -> Iterator[str]:
        yield "first"
        raise KeyboardInterrupt

    stopped: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run_or_stop(begin, lambda _: None, stopped.extend)
    assert stopped == ["first"]
