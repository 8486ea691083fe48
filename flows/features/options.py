"""The options of the flow that builds features, which are those of its command."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flows.options import Argument, Options
from flows.task_options import Config, Data


class FeaturesOptions(Options):
    """Build the feature matrix of a config, unless it is stored.

    With --out, export features and label as they are before any processor: datetime, instrument, a column for each.
    """

    config: Config = None
    out: Annotated[
        str | None,
        Field(description="Parquet file for the raw features and the label; default: no export."),
        Argument("FILE.parquet"),
    ] = None
    data: Data = None
