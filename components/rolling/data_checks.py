"""Whether there is anything in the data to learn from: values of prices, features and label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from components.data import Market, Membership
from components.errors import InputError
from components.features import DataHandler, parse
from components.features.engine import OPTIONAL_FIELDS, evaluate
from components.features.expression import Expression, fields
from components.features.handlers import AlphaHandler
from components.features.rows import RowIndex

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float32]

#: Fields that are prices: above 0, where there is any.
_PRICES = ("open", "high", "low", "close", "vwap")
#: Instruments whose values are looked at first. If they say that a column is empty, all are asked.
_SAMPLE = 8


def check_values(handler: DataHandler, market: Market, days: tuple[int, int]) -> None:
    """Do nothing for data that a model can learn from.

    Args:
        handler: Which rows, features and label.
        market: The data.
        days: Calendar positions of the first and last day to learn from.

    Raises:
        InputError: when the prices that the label is made of are missing, infinite or mostly not above 0; when the
            label has no value or only one; when a feature that a user has written has no value at all.
    """
    for field, values, where in _label_fields(handler, market):
        _check_field(field, values, where, market)
    label = handler.columns["label"]
    for name, known in _columns(label, handler, market, days):
        if known is None:
            raise InputError(f"the label {name} ({label[name]}) has no value from {_named(days, market)}")
        if known.min() == known.max():
            raise InputError(f"the label {name} ({label[name]}) is the same on all days, {known[0]:g}")
    if isinstance(handler, AlphaHandler):
        return  # ours are known to have values
    features = handler.columns["feature"]
    wanted = {name: text for name, text in features.items() if _absent(parse(text), market) == set()}
    for name, known in _columns(wanted, handler, market, days):
        if known is None:
            raise InputError(f"feature {name!r} ({features[name]}) has no value from {_named(days, market)}")


def doubtful_values(handler: DataHandler, market: Market) -> Iterator[str]:
    """What is suspicious about prices and features, a line for each."""
    for field, values, where in _label_fields(handler, market):
        if field in _PRICES and (some := int(np.sum(values <= 0))):
            place = _place(np.flatnonzero(values <= 0)[0], where, market)
            yield f"${field} is 0 or below in {some} row{'s' * (some > 1)}, such as {place}; missing prices are NaN"
    for name, text in handler.columns["feature"].items():
        if not isinstance(handler, AlphaHandler) and (absent := _absent(parse(text), market)):
            yield f"feature {name!r} ({text}) has no value: the data has no ${', $'.join(sorted(absent))}"


def _label_fields(handler: DataHandler, market: Market) -> Iterator[tuple[str, Values, tuple[Membership, Mask]]]:
    """The fields that the label is made of: name, values of the handler's rows, and where these lie."""
    membership, (start, end) = market.membership(handler.instruments), handler.span(market)
    mask = np.zeros((len(membership.instruments), len(market.calendar)), dtype=np.bool_)
    spans = zip(membership.instrument.tolist(), membership.first.tolist(), membership.last.tolist(), strict=True)
    for instrument, first, last in spans:
        mask[instrument, max(first, start) : min(last, end) + 1] = True
    if not mask.any():
        raise InputError(f"no instrument of the universe has data from {_named((start, end), market)}")
    names = {field for text in handler.columns["label"].values() for field in fields(parse(text))}
    for field in sorted(names & set(market.fields)):
        yield field, market.panel(field, membership.instruments)[mask], (membership, mask)


def _check_field(field: str, values: Values, where: tuple[Membership, Mask], market: Market) -> None:
    known = values[~np.isnan(values)]
    what = f"${field} is the source of the label, but"
    if not len(known):
        raise InputError(f"{what} ${field} has no value in {market.uri} for these instruments and days")
    if infinite := int(np.sum(np.isinf(known))):
        place = _place(np.flatnonzero(np.isinf(values))[0], where, market)
        raise InputError(
            f"${field} is infinite in {infinite} row{'s' * (infinite > 1)}, such as {place}; "
            "write NaN where there is no value"
        )
    wrong = int(np.sum(known <= 0))
    if field in _PRICES and wrong * 2 > len(known):
        raise InputError(
            f"${field} is 0 or below in {wrong} of {len(known)} rows of {market.uri}: these are no prices"
        )


def _columns(
    columns: Mapping[str, str], handler: DataHandler, market: Market, days: tuple[int, int]
) -> Iterator[tuple[str, Values | None]]:
    """The finite values of columns on the days to learn from, by name; None where there is none."""
    for everything in (False, True):
        if not columns:
            return
        rows = _rows(handler, market, days, everything=everything)
        values = np.empty((len(rows), len(columns)), dtype=np.float32)
        evaluate([parse(text) for text in columns.values()], market, rows, values, start=handler.span(market)[0])
        doubtful = {}
        for (name, text), column in zip(columns.items(), values.T, strict=True):
            known = column[np.isfinite(column)]
            if len(known) and known.min() != known.max():
                yield name, known
            elif everything:
                yield name, known if len(known) else None
            else:
                doubtful[name] = text
        columns = doubtful


def _rows(handler: DataHandler, market: Market, days: tuple[int, int], *, everything: bool) -> RowIndex:
    membership = market.membership(handler.instruments)
    if not everything:
        inside = (membership.first <= days[1]) & (membership.last >= days[0])
        codes = [membership.instruments[place] for place in np.unique(membership.instrument[inside])]
        if codes:
            membership = market.membership(codes[:: max(1, len(codes) // _SAMPLE)][:_SAMPLE])
    return RowIndex.of(market, membership, *days)


def _absent(expression: Expression, market: Market) -> set[str]:
    """Fields that the market may lack, and lacks."""
    return set(fields(expression) & OPTIONAL_FIELDS) - set(market.fields)


def _place(row: np.intp, where: tuple[Membership, Mask], market: Market) -> str:
    instruments, days = np.nonzero(where[1])
    return f"{where[0].instruments[instruments[row]]} on {market.calendar[int(days[row])]}"


def _named(days: tuple[int, int], market: Market) -> str:
    return f"{market.calendar[days[0]]} to {market.calendar[days[1]]}"
