"""The summary that a person reads when a worker has ended."""

from __future__ import annotations

import shlex

from rich.console import Console

from components.execution import WorkerResult


def print_summary(result: WorkerResult, console: Console | None = None) -> None:
    """Print what a worker did, how the pool stands, and what to type next."""
    show = (console or Console(highlight=False, soft_wrap=True)).print
    served = result.served
    show(
        f"{served.done} tasks done in {result.seconds:.1f} s, "
        f"{served.failures} attempts failed, {len(served.failed)} tasks given up"
    )
    counts = ", ".join(f"{count} {status}" for status, count in result.counts.items() if count)
    show(f"pool {result.pool}: {counts or 'empty'}")
    if served.failed:
        show(f"  why           python -m components.pool failures --pool {shlex.quote(result.pool)}")
        show(f"  once more     python -m components.pool rerun --pool {shlex.quote(result.pool)}")
