"""Whether a Dask cluster can be used: it answers, and its workers can reach the servers of the run."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from components.errors import InputError
from components.settings import Settings

_TIMEOUT = 5.0


def check_cluster(address: str, settings: Settings) -> None:
    """Raise when a run could not use a Dask scheduler.

    Raises:
        InputError: when its address cannot be read, nobody answers there, or it is on another machine, which has no
            way to the private servers of this one.
    """
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if parts.scheme not in ("tcp", "tls"):
        return  # Dask knows more ways than we can check
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise InputError(f"--dask {address}: write it as HOST:PORT")
    try:
        socket.create_connection((host, port), timeout=_TIMEOUT).close()
    except OSError as error:
        raise InputError(
            f"--dask {address}: no Dask scheduler answers there ({error.strerror or error}); start one with "
            "'dask scheduler', or leave the option out for a cluster on this machine"
        ) from None
    private = [name for name, there in _servers(settings).items() if not there]
    if private and not _is_here(host):
        raise InputError(
            f"--dask {address} is on another machine, which cannot reach the private servers of this one; set "
            f"{', '.join(private)}"
        )


def _servers(settings: Settings) -> dict[str, bool]:
    """The settings that name a server, and whether each names one that other machines can reach."""
    return {
        "ROLLFLOW_MONGO_URL": bool(settings.mongo_url),
        "MLFLOW_TRACKING_URI": not (settings.tracking_uri or "sqlite").startswith("sqlite"),
        "PREFECT_API_URL": bool(os.environ.get("PREFECT_API_URL")),
    }


def _is_here(host: str) -> bool:
    """Whether a name or address is one of this machine's."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
        own = {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return False
    return all(ip_address(each.partition("%")[0]).is_loopback or each in own for each in found)
