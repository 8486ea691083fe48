"""What flows and nodes log and raise, as Prefect stores it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from flows.prefect_secrets import without_secrets

ADDRESS = "http://someone:geheim@host:5000"


@pytest.fixture
def stored() -> Iterator[io.StringIO]:
    """What a handler writes that stands where Prefect's own does."""
    logger, out = logging.getLogger("prefect.flow_runs"), io.StringIO()
    handler = logging.StreamHandler(out)
    logger.addHandler(handler)
    yield out
    logger.removeHandler(handler)


def test_logs_tracebacks_and_errors_hold_no_secrets(stored: io.StringIO) -> None:
    log = logging.getLogger("prefect.flow_runs")

    @without_secrets
    def node() -> None:
        log.warning("asked %s", ADDRESS)
        try:
            raise OSError(f"{ADDRESS} refused")
        except OSError as error:
            log.exception("it did not work")
            raise ValueError(f"no run in {ADDRESS}", 7) from error

    with pytest.raises(ValueError, match="no run in") as raised:
        node()
    hidden = "http://someone:***@host:5000"
    assert raised.value.args == (f"no run in {hidden}", 7)
    assert str(raised.value.__cause__) == f"{hidden} refused"
    written = stored.getvalue()
    assert f"asked {hidden}\n" in written
    assert f"OSError: {hidden} refused" in written
    assert "geheim" not in written
