"""Which tasks an operation is about, and the MongoDB filters that find them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

T = TypeVar("T")
Query = Mapping[str, Any]
Filter = dict[str, Any]

#: Ids in one request: a request may be 16 MB, which some 218,000 ids fill.
PAGE = 10_000


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Tasks that satisfy all that is given; nothing given: every task."""

    query: Query | None = None
    #: Without repetitions.
    ids: Sequence[str] | None = None
    run: str | None = None

    @classmethod
    def of(cls, query: Query | None = None, ids: Iterable[str] | None = None, run: str | None = None) -> Self:
        """The selection that the arguments of a method of the pool stand for."""
        return cls(query=query, ids=None if ids is None else list(dict.fromkeys(ids)), run=run)

    def filters(self, **conditions: Any) -> Iterator[Filter]:
        """A filter for each page of ids, with more conditions on stored fields; a task matches at most one."""
        if self.ids is None:
            yield combined(self.query, self._of_run(), conditions)
            return
        for page in pages(self.ids, PAGE):
            # An index on ids finds one faster than "one of".
            wanted = page[0] if len(page) == 1 else {"$in": list(page)}
            yield combined(self.query, self._of_run(), {"_id": wanted}, conditions)

    def _of_run(self) -> Filter:
        return {} if self.run is None else {"runs": self.run}


def combined(*filters: Query | None) -> Filter:
    """One filter that demands all of them, none hiding another."""
    parts = [dict(part) for part in filters if part]
    return {"$and": parts} if len(parts) > 1 else parts[0] if parts else {}


def pages(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in order, so many at a time."""
    return (items[first : first + size] for first in range(0, len(items), size))
