"""The workspace of a run, opened on the configured servers or on private ones."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta

from components.config import RetrySection, RunConfig
from components.pool import RetryPolicy
from components.pool.connection import check_address as check_mongo
from components.pool.mongod import embedded_mongo
from components.settings import Settings
from components.tracking.addresses import check_address as check_store
from flows.services import end_run
from flows.workspace import Workspace, cores

#: Two windows that have a core each train no faster than one after the other on both, but hold twice the memory;
#: and what surrounds a training, which runs in Python, is faster alone.
_CORES_A_WINDOW = 2

_opened: ContextVar[Workspace | None] = ContextVar("opened", default=None)


@contextmanager
def open_workspace(settings: Settings, config: RunConfig, *, workers: int | None = None) -> Iterator[Workspace]:
    """The workspace of a run; see `open_pool`."""
    places = {"pool": config.pool_name, "experiment": config.experiment_name, "market": config.market}
    with open_pool(settings, **places, workers=workers, retry=config.retry) as workspace:
        yield workspace


@contextmanager
def open_pool(
    settings: Settings,
    *,
    pool: str,
    experiment: str,
    market: str,
    workers: int | None = None,
    retry: RetrySection | None = None,
) -> Iterator[Workspace]:
    """A workspace on the configured servers; where none is configured, on private ones that run meanwhile.

    What the run has opened in this process is closed at the end. A flow works in the workspace of its command.

    Raises:
        PoolUnreachable: when MongoDB cannot be reached or started.
    """
    if settings.mongo_url:
        check_mongo(settings.mongo_url)
    if settings.tracking_uri:
        check_store(settings.tracking_uri)
    retry = retry or RetrySection()
    with _mongo(settings) as url:
        workspace = Workspace(
            run=secrets.token_hex(8),
            mongo_url=url,
            database=settings.database,
            pool=pool,
            lease=settings.lease,
            tracking_uri=settings.tracking_uri,
            experiment=experiment,
            home=settings.home,
            matrices=settings.matrices,
            matrices_limit=settings.matrices_limit,
            market=market,
            trusted=settings.trusted_modules,
            slots=workers or max(1, cores() // _CORES_A_WINDOW),
            retry=RetryPolicy(max_attempts=retry.attempts, base_delay=timedelta(seconds=retry.backoff)),
            timeout=retry.timeout,
        )
        outer = _opened.get()
        if outer and replace(workspace, run=outer.run) == outer:
            yield outer
            return
        token = _opened.set(workspace)
        try:
            yield workspace
        finally:
            _opened.reset(token)
            end_run(workspace)


@contextmanager
def _mongo(settings: Settings) -> Iterator[str]:
    if settings.mongo_url:
        yield settings.mongo_url
        return
    with embedded_mongo(settings.home, mongod=settings.mongod, port=settings.mongo_port) as url:
        yield url
