"""Keeping secrets out of every text that is stored or shown: one filter, and what it should know."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote, unquote_plus

_HIDDEN = "***"
#: User and password in what is known to be an address; greedy, for a password may hold any character.
PASSWORD = re.compile(r"(?<=://)([^/?#]*?):(.*)@")
#: The same in a text, where an address ends at white space and a port must not be taken for a password.
_IN_TEXT = re.compile(r"(?<=://)([^\s/?#:\[]*):(?!\d+(?:[^\w.~%@:-]|$))(\S*)@")
#: Options of addresses (MongoDB's, PostgreSQL's) that are secrets.
_OPTION = re.compile(
    r"([?&;](?:tlsCertificateKeyFilePassword|authMechanismProperties|(?:ssl)?password|passwd|pwd|token|api_?key)=)"
    r"([^&;\s]*)",
    re.IGNORECASE,
)
_HEADER = re.compile(r"(\bauthorization\W{1,5}(?:basic|bearer)\s+)([^\s'\",]+)", re.IGNORECASE)
#: Variables that hold addresses, and those that hold a secret as a whole.
_ADDRESSES = ("MLFLOW_TRACKING_URI", "ROLLFLOW_MONGO_URL", "PREFECT_API_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
_SECRETS = (
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "PREFECT_API_KEY",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_DATABASE_PASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "ROLLFLOW_WEBHOOK",
)
#: A path of a webhook that is shorter than this does not say who may write there.
_SHORT_PATH = 8
#: Shorter secrets are only removed where they stand as a word, or they would riddle every text.
_SHORT = 4
#: Secrets of the addresses that this process has used.
_protected: set[str] = set()


def redacted(text: str) -> str:
    """A text without secrets, for whatever is stored or shown: logs, tags, documents, reports, the terminal.

    Hidden are passwords and secret options of whatever looks like an address, and the secrets of the configured and
    used addresses wherever they stand, as in tracebacks. Filter before cutting: half a secret is not recognised.
    """
    secrets = _protected | set(_configured(os.environ))
    for secret in sorted(secrets, key=len, reverse=True):
        text = _without(secret, text)
    text = _IN_TEXT.sub(rf"\1:{_HIDDEN}@", text)
    for pattern in (_OPTION, _HEADER):
        text = pattern.sub(rf"\1{_HIDDEN}", text)
    return text


def protect(address: str) -> None:
    """Remember the secrets of an address that this process uses, so that `redacted` knows them."""
    _protected.update(_secrets_of(address))


def without_password(address: str) -> str:
    """An address as it may be shown."""
    return redacted(PASSWORD.sub(rf"\1:{_HIDDEN}@", address))


def _without(secret: str, text: str) -> str:
    if len(secret) >= _SHORT:
        return text.replace(secret, _HIDDEN)
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", _HIDDEN, text)


def _configured(environ: Mapping[str, str]) -> Iterator[str]:
    """The secrets of the environment."""
    for name in _ADDRESSES:
        yield from _secrets_of(environ.get(name, ""))
    for name in _SECRETS:
        yield from _spellings(environ.get(name, ""))
    yield from _path_of(environ.get("ROLLFLOW_WEBHOOK", ""))
    user, password = (environ.get(f"MLFLOW_TRACKING_{name}", "") for name in ("USERNAME", "PASSWORD"))
    if password:
        yield _basic(user, password)


def _secrets_of(address: str) -> Iterator[str]:
    """Password and secret options of an address, in every spelling."""
    for found in PASSWORD.finditer(address):
        yield from _spellings(found[2])
        yield _basic(unquote(found[1]), unquote(found[2]))
    for found in _OPTION.finditer(address):
        yield from _spellings(found[2])
        for item in unquote(found[2]).split(","):  # NAME:VALUE,NAME:VALUE
            yield from _spellings(item.partition(":")[2])


def _path_of(webhook: str) -> Iterator[str]:
    """What follows the host: libraries write the rest of an address in ways of their own."""
    path = re.sub(r"^\w+://[^/?#]*", "", webhook)
    if len(path) >= _SHORT_PATH:
        yield from _spellings(path)


def _spellings(secret: str) -> set[str]:
    """A secret as it may stand in a text: as it is, percent-encoded or not, and as Python writes it."""
    plain = {secret, unquote(secret), unquote_plus(secret)}
    encoded = {encode(each, safe="") for each in plain for encode in (quote, quote_plus)}
    return {*plain, *encoded, *(repr(each)[1:-1] for each in plain)} - {""}


def _basic(user: str, password: str) -> str:
    """What an HTTP request says for a user and a password."""
    return b64encode(f"{user}:{password}".encode()).decode()
