"""The flow that builds the feature matrix of a config; what it does is in `components.features`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run

from components.features import MatrixStore, matrix_key
from components.features.export import export_raw
from components.training import Stopwatch
from flows.features.check import checked_request
from flows.features.options import FeaturesOptions
from flows.options import takes
from flows.prefect_secrets import without_secrets
from flows.presence import announce


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
@without_secrets
@takes(FeaturesOptions)
def features(options: FeaturesOptions) -> FeaturesResult:
    """Build the feature matrix of a config, unless it is stored; export raw features and labels."""
    announce()
    request = checked_request(options)
    handler, market, matrices = request.handler, request.market, MatrixStore(request.home, limit=request.limit)
    watch = Stopwatch()
    reused = matrices.covers(handler, market)
    with watch.phase("matrix"):
        matrices.open(handler, market)
    if request.out:
        with watch.phase("export"):
            export_raw(handler, market, request.out)
    return FeaturesResult(
        matrix=request.home / matrix_key(handler, market),
        reused=reused,
        rows=len(handler.rows(market)),
        features=len(handler.features),
        labels=len(handler.labels),
        out=request.out,
        seconds=watch.seconds,
    )
