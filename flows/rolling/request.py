"""What a rolling run is asked to do."""

from __future__ import annotations

import re

from components.config import RunConfig
from components.errors import InputError
from flows.request import read_run
from flows.rolling.options import RollingOptions

#: Protocol, host (IPv6 in brackets) and port.
_DASK = re.compile(r"(?:[a-z]+://)?(?:\[[^\]]+\]|[^:/\s\[\]]+):(\d{1,5})/?")


def read_request(options: RollingOptions) -> RunConfig:
    """The config of a rolling run; see `read_run`.

    Raises:
        InputError: for whatever is wrong with it.
    """
    _check_dask(options)
    return read_run(options).with_options(step=options.step, kind=options.kind)


def _check_dask(options: RollingOptions) -> None:
    if not options.dask:
        return
    if options.runner != "dask":
        raise InputError("--dask ADDRESS is for --runner dask; add that, or leave the address out")
    found = _DASK.fullmatch(options.dask)
    if not found or not 0 < int(found[1]) < 2**16:
        raise InputError(f"--dask {options.dask!r:.80}: expected an address such as tcp://HOST:8786")
