"""Telling people: by a webhook that the environment names, and by Prefect's notification blocks."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import httpx
from prefect.blocks.core import Block
from prefect.blocks.webhook import Webhook
from prefect.utilities.asyncutils import run_coro_as_sync

from components.errors import InputError, RollflowError
from components.redaction import redacted
from components.serving.notice import Notice
from components.settings import Settings

log = logging.getLogger("prefect.flow_runs.notices")

#: Seconds that a webhook may take; nobody waits for it.
_PATIENCE = 10.0


def tell(notice: Notice, link: str | None, settings: Settings) -> None:
    """Tell all who want to know. Whoever cannot be told is named in the log, and nothing else fails.

    Args:
        notice: What to say.
        link: Address of the flow run.
        settings: Who is told.
    """
    message = {**notice.to_document(), "text": redacted(notice.text), "run": link}
    if settings.webhook:
        _harmless("the webhook", partial(_post, settings.webhook, message))
    for name in settings.notify:
        _harmless(f"block {name}", partial(_notify, name, message))


def _harmless(who: str, send: Callable[[], None]) -> None:
    try:
        send()
    except Exception as error:
        log.warning("%s was not told: %s", who, _reason(error))


def _reason(error: Exception) -> str:
    """What may be said of an error: whoever knows the address may write there, and libraries like to name it."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, (RollflowError, OSError)):
        return redacted(str(error))
    return type(error).__name__


def _post(address: str, message: Mapping[str, Any]) -> None:
    request = urllib.request.Request(  # noqa: S310, for Settings takes http and https alone
        address, json.dumps(message).encode(), {"Content-Type": "application/json", "User-Agent": "rollflow"}
    )
    urllib.request.urlopen(request, timeout=_PATIENCE).close()  # noqa: S310


def _notify(name: str, message: Mapping[str, Any]) -> None:
    try:
        block: Any = Block.load(name)
    except ValueError:
        raise InputError("there is none; make it in Prefect's UI, or correct ROLLFLOW_NOTIFY") from None
    if isinstance(block, Webhook):
        reply: Any = run_coro_as_sync(block.call(dict(message)))
        reply.raise_for_status()
        return
    if not hasattr(block, "notify"):
        raise InputError("it sends no notifications; name another one")
    about = " ".join(str(message[part]) for part in ("service", "day", "kind") if message[part])
    block.notify("\n".join(filter(None, (message["text"], message["run"]))), subject=f"rollflow: {about}")
