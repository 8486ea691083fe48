"""What is planned for the next session, as a value and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from components.formats.tables import save_table


@dataclass(frozen=True, kw_only=True)
class Target:
    """One name: what is held of it, and what is planned. Real shares and real prices.

    Where the market has no factor, an adjusted share counts for a real one.
    """

    instrument: str
    #: None for a name without a score.
    score: float | None
    #: 1 is the best.
    rank: int | None
    #: Shares that are held now, and those after the planned trades.
    held: float
    target: float
    #: Shares to buy and to sell.
    buy: float
    sell: float
    #: The day's close, for a suspended name the last known one; None: there is none.
    price: float | None
    #: Whether the name had a bar on the day. One that had none is expected to have none on the next either.
    tradable: bool
    #: What explains the plan, or stands in its way; empty for a name that is left alone.
    why: str


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The plan that is made on the evening of a day; amounts are estimated at the day's closes."""

    day: str
    #: Cash that is left after the planned trades.
    cash: float
    #: All names with a score, best first, then what is held without one.
    rows: tuple[Target, ...]

    @property
    def ranking(self) -> tuple[str, ...]:
        """The names with a score, best first."""
        return tuple(row.instrument for row in self.rows if row.rank is not None)

    @property
    def orders(self) -> Iterator[Target]:
        """The names that are to be bought or sold."""
        return (row for row in self.rows if row.buy or row.sell)

    def to_document(self) -> dict[str, Any]:
        """Plain JSON, the rows by column."""
        columns = {field.name: [getattr(row, field.name) for row in self.rows] for field in fields(Target)}
        return {"day": self.day, "cash": self.cash, "rows": columns}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """What `to_document` gave."""
        names = [field.name for field in fields(Target)]
        rows = zip(*(document["rows"][name] for name in names), strict=True)
        return cls(
            day=document["day"],
            cash=document["cash"],
            rows=tuple(Target(**dict(zip(names, row, strict=True))) for row in rows),
        )

    def table(self) -> pd.DataFrame:
        """One row per name, indexed (datetime, instrument), in the order of `rows`."""
        rows = self.rows
        columns: dict[str, Any] = {
            "score": np.array([np.nan if row.score is None else row.score for row in rows], dtype=np.float64),
            "rank": pd.array([row.rank for row in rows], dtype="Int64"),
            "held": np.array([row.held for row in rows], dtype=np.float64),
            "target": np.array([row.target for row in rows], dtype=np.float64),
            "buy": np.array([row.buy for row in rows], dtype=np.float64),
            "sell": np.array([row.sell for row in rows], dtype=np.float64),
            "price": np.array([np.nan if row.price is None else row.price for row in rows], dtype=np.float64),
            "tradable": np.array([row.tradable for row in rows], dtype=bool),
            "why": pd.array([row.why for row in rows], dtype="str"),
        }
        index = pd.MultiIndex.from_arrays(
            [
                pd.DatetimeIndex(np.full(len(rows), np.datetime64(self.day, "ns"))),
                pd.Index([row.instrument for row in rows], dtype="str"),
            ],
            names=["datetime", "instrument"],
        )
        return pd.DataFrame(columns, index=index)

    def save_parquet(self, path: Path) -> None:
        """Write the table with ``datetime`` and ``instrument`` as columns."""
        save_table(self.table(), path)

    def save_csv(self, path: Path) -> None:
        """Write the same as text, for a spreadsheet."""
        self.table().to_csv(path, date_format="%Y-%m-%d", lineterminator="\n")
