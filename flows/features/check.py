"""What can be said before anything runs: whether the input is right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.config import read_config
from components.data import Market, open_market
from components.features import DataHandler
from components.features.export import check_writable
from components.rolling import check_handler
from components.settings import Settings
from components.training import build_handler
from flows.features.options import FeaturesOptions


@dataclass(frozen=True)
class Request:
    """What a config asks for."""

    handler: DataHandler
    market: Market
    #: Folder of the feature matrices.
    home: Path
    #: Bytes that they may take.
    limit: int
    #: The file to write; None: no export.
    out: Path | None


def checked_request(options: FeaturesOptions) -> Request:
    """What is asked for, after everything that could be wrong with the input was looked at.

    Raises:
        InputError: for the first thing that is wrong.
    """
    config, settings = read_config(Path(options.config) if options.config else None), Settings.from_env()
    config = config.with_options(data=options.data)
    out = Path(options.out) if options.out else None
    if out:
        check_writable(out)
    market = open_market(config.market)
    handler = build_handler(config.template(), settings.trusted_modules)
    check_handler(handler, market)
    return Request(handler, market, settings.matrices, settings.matrices_limit, out)
