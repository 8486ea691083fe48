"""Asking a store for lists of experiments and runs, however long they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from components.errors import InputError
from components.gc_pause import garbage_kept
from components.tracking.runs import Experiment, RunSummary
from components.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Entries that are asked for at once.
_PAGE = 1000
#: Ids that one question may name: MLflow's parser takes conditions of 10,000 tokens, of which an id is three.
_IDS = 1000


def find_experiments(store: Store, *, deleted: bool = False) -> list[Experiment]:
    """All experiments, the newest first; with `deleted` those that were deleted."""
    from mlflow.entities import ViewType

    view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY

    def ask(client: MlflowClient, *, size: int, token: str | None) -> Any:
        return client.search_experiments(view_type=view, max_results=size, page_token=token)

    return [Experiment.of(found) for found in _paged(store, "experiments", ask)]


def find_runs(
    store: Store,
    what: str,
    experiments: Sequence[str],
    condition: str = "",
    order_by: Sequence[str] = (),
    limit: int | None = None,
) -> list[RunSummary]:
    """Runs of experiments (their ids) that meet a condition in MLflow's language; by default the newest first.

    Raises:
        InputError: when MLflow cannot read condition or order; `what` names the question.
    """

    def ask(client: MlflowClient, *, size: int, token: str | None) -> Any:
        return client.search_runs(
            list(experiments), condition, order_by=list(order_by), page_token=token, max_results=size
        )

    with garbage_kept():
        return [RunSummary.of(found) for found in _paged(store, what, ask, limit)]


def find_runs_by_id(
    store: Store, what: str, experiments: Sequence[str], ids: Collection[str], condition: str = ""
) -> list[RunSummary]:
    """`find_runs` for those that have one of any number of ids; the newest first."""
    every, found = list(ids), []
    for start in range(0, len(every), _IDS):
        named = ", ".join(map(quoted, every[start : start + _IDS]))
        conditions = filter(None, [condition, f"attributes.run_id IN ({named})"])
        found += find_runs(store, what, experiments, " and ".join(conditions))
    if len(every) > _IDS:
        found.sort(key=lambda run: run.started_at.timestamp() if run.started_at else 0, reverse=True)
    return found


def quoted(value: str) -> str:
    """A value as it stands in MLflow's filters.

    Raises:
        InputError: for one with both kinds of quotes, which the filters cannot say.
    """
    if "'" not in value:
        return f"'{value}'"
    if '"' not in value:
        return f'"{value}"'
    raise InputError(f"MLflow cannot search for {value}, because it has both kinds of quotes")


def _paged(
    store: Store,
    what: str,
    ask: Callable[..., Any],
    limit: int | None = None,
) -> list[Any]:
    """All entries of a list that MLflow gives page by page, or the first ones."""
    found: list[Any] = []
    token: str | None = None
    while limit is None or len(found) < limit:
        size = _PAGE if limit is None else min(_PAGE, limit - len(found))
        page = store.ask(what, partial(ask, size=size, token=token))
        found += page
        token = page.token
        if not token:
            break
    return found
