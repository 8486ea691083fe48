"""Addresses of servers as they may be shown."""

from __future__ import annotations

import re
from urllib.parse import unquote

PASSWORD = re.compile(r"(?<=://)([^/?#]*?):(.*)@")
#: Options of MongoDB's addresses that are secrets.
_SECRET_OPTION = re.compile(
    r"([?&](?:tlsCertificateKeyFilePassword|authMechanismProperties)=)([^&]*)", re.IGNORECASE
)


def without_password(url: str) -> str:
    """The address as it may be shown."""
    return _SECRET_OPTION.sub(r"\1***", PASSWORD.sub(r"\1:***@", url))


def scrubbed(text: str, url: str) -> str:
    """A text without the secrets of an address."""
    for found in (*PASSWORD.finditer(url), *_SECRET_OPTION.finditer(url)):
        for secret in {found[2], unquote(found[2])} - {""}:
            text = text.replace(secret, "***")
    return text
