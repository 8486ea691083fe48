"""Bars that are read once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from components.data import open_market
from components.data.demo import DemoMarket
from components.data.market import Panel
from components.data.remembered import RememberedBars
from components.errors import InputError


class Counted(DemoMarket):
    """Counts the values that are read of it."""

    read = 0

    def panel(self, field: str, instruments: Sequence[str]) -> Panel:
        panel = super().panel(field, instruments)
        self.read += panel.size
        return panel


@pytest.fixture
def counted() -> Counted:
    market = open_market("demo:?instruments=10&years=1")
    assert isinstance(market, DemoMarket)
    market.__class__ = Counted
    assert isinstance(market, Counted)
    return market


def test_bars_are_read_once_in_any_order(counted: Counted) -> None:
    market, names = RememberedBars(counted), counted.instruments
    days = len(counted.calendar)
    np.testing.assert_array_equal(market.panel("close", names[:4]), counted.panel("close", names[:4]))
    counted.read = 0
    np.testing.assert_array_equal(
        market.panel("close", [names[2], names[0]]), counted.panel("close", [names[2], names[0]])
    )
    assert counted.read == 2 * days  # what the comparison has read
    market.panel("close", names)  # one of them is new
    assert counted.read == 2 * days + len(names) * days
    market.panel("open", names[:1])
    assert counted.read == 3 * days + len(names) * days
    assert market.panel("close", []).shape == (0, days)


def test_what_is_too_much_is_read_again(counted: Counted) -> None:
    names = counted.instruments[:2]
    market = RememberedBars(counted, limit=2 * 4 * len(counted.calendar))
    for field, reads in (("close", 1), ("open", 2)):
        counted.read = 0
        market.panel(field, names)
        market.panel(field, names)
        assert counted.read == reads * 2 * len(counted.calendar)


def test_it_is_the_same_market(counted: Counted) -> None:
    market = RememberedBars(counted)
    assert (market.version, market.uri, market.fields) == (counted.version, counted.uri, counted.fields)
    assert list(market.membership("all").instruments) == list(counted.membership("all").instruments)
    with pytest.raises(InputError, match="no field \\$clos"):
        market.panel("clos", counted.instruments)
