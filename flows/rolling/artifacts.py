"""What a rolling run shows of itself in the Prefect UI."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from components.rolling import RunResult, WindowResult


def publish(result: RunResult) -> None:
    """Leave the windows as a table, and the metrics of the whole period as a page, with the flow run."""
    create_table_artifact(
        key="rolling-windows",
        table=[_row(window) for window in result.windows],
        description=f"Windows of experiment {result.experiment}, tasks in pool {result.pool}",
    )
    metrics = "\n".join(f"| {name} | {value:.4f} |" for name, value in result.metrics.items())
    gaps = "\n".join(f"- no predictions for {gap}" for gap in result.gaps)
    create_markdown_artifact(
        key="rolling-metrics",
        markdown=f"| all windows together | |\n|---|---|\n{metrics}\n\n{gaps}\n\n"
        f"MLflow run `{result.recorder_id}`, predictions `{result.predictions}`",
        description=f"Experiment {result.experiment}",
    )


def _row(window: WindowResult) -> dict[str, Any]:
    return {
        "test": "..".join(map(str, window.segments["test"])),
        "train until": window.segments["train"][1],
        "status": window.status.value,
        "attempts": window.attempts,
        "trees": window.best_iteration,
        **{name: round(window.metrics[name], 4) for name in ("IC", "Rank IC") if name in window.metrics},
        "seconds": round(sum(window.seconds.values()), 1),
        "error": window.error,
    }
