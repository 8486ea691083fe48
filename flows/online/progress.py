"""How the days of a service get on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console

from flows.bars import open_bars
from flows.watching import harmless


@contextmanager
def days_shown(days: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """Show a bar in a terminal while days are served; what it gives is called with each day that is."""
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    if not console.is_terminal or len(days) < 2:
        yield lambda _day: None
        return
    with open_bars(console) as bars:
        bar = bars.add_task("days", total=len(days))
        yield harmless(lambda day: bars.update(bar, advance=1, description=f"days, {day}"))
