"""What can be said before anything runs: whether the input is right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.config import read_config
from components.data import Market, open_market
from components.features import DataHandler
from components.features.export import check_writable
from components.settings import Settings
from components.training import build_handler


@dataclass(frozen=True)
class Request:
    """What a config asks for."""

    handler: DataHandler
    market: Market
    #: Folder of the feature matrices.
    home: Path


def checked_request(config: Path | None, data: str | None, out: Path | None) -> Request:
    """What is asked for, after everything that could be wrong with the input was looked at.

    Raises:
        InputError: for the first thing that is wrong.
    """
    run, settings = read_config(config).with_options(data=data), Settings.from_env()
    if out:
        check_writable(out)
    market = open_market(run.market)
    handler = build_handler(run.template(), settings.trusted_modules)
    market.membership(handler.instruments)
    return Request(handler, market, settings.matrices)
