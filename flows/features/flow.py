"""The flow that builds the feature matrix of a config; what it does is in `components.features`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from components.features import MatrixStore, matrix_key
from components.features.export import export_raw
from components.training import Stopwatch
from flows.features.check import checked_request


@dataclass(frozen=True, kw_only=True)
class FeaturesResult:
    """Where the features are."""

    #: Folder of the matrix.
    matrix: Path
    #: Whether the matrix was there before.
    reused: bool
    #: Rows before any processor.
    rows: int
    features: int
    labels: int
    #: The exported file.
    out: Path | None
    #: Seconds by phase: matrix, export.
    seconds: dict[str, float]


def _name() -> str:
    return f"features {flow_run.parameters.get('config') or 'demo'}"


@flow(name="features", flow_run_name=_name)
def features(
    config: Annotated[Path | None, Field(description="Path of a config (YAML); empty: the demo market")] = None,
    out: Annotated[Path | None, Field(description="Parquet file for raw features and labels; empty: none")] = None,
    data: Annotated[
        str | None, Field(description="Market data, such as qlib:PATH or parquet:PATH; wins over the config")
    ] = None,
) -> FeaturesResult:
    """Build the feature matrix of a config, unless it is stored.

    With `out`, also write features and labels as they are before any processor.
    """
    request = checked_request(config, data, out)
    handler, market, matrices = request.handler, request.market, MatrixStore(request.home)
    watch = Stopwatch()
    reused = matrices.covers(handler, market)
    with watch.phase("matrix"):
        matrices.open(handler, market)
    if out:
        with watch.phase("export"):
            export_raw(handler, market, out)
    return FeaturesResult(
        matrix=request.home / matrix_key(handler, market),
        reused=reused,
        rows=len(handler.rows(market)),
        features=len(handler.features),
        labels=len(handler.labels),
        out=out,
        seconds=watch.seconds,
    )
