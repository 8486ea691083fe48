"""What a run shows of itself in the Prefect UI."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

from components.report.picture import data_uri
from components.rolling import RunResult, WindowResult


def publish(result: RunResult, picture: str) -> None:
    """Leave the windows as a table, and the metrics of the whole period with a picture as a page.

    Args:
        result: What is shown.
        picture: An SVG, or nothing. The page holds all of it, because Prefect keeps no files.
    """
    create_table_artifact(
        key=f"{flow_run.flow_name}-windows",
        table=[_row(window) for window in result.windows],
        description=f"Windows of experiment {result.experiment}, tasks in pool {result.pool}",
    )
    create_markdown_artifact(
        key=f"{flow_run.flow_name}-metrics",
        markdown=_page(result, picture),
        description=f"Experiment {result.experiment}",
    )


def publish_report(result: RunResult, address: str) -> None:
    """Leave a link to the report; a browser does not follow one to a file, so that it has to be seen as well."""
    create_link_artifact(
        key=f"{flow_run.flow_name}-report",
        link=address,
        link_text="report.html",
        description=f"Report of experiment {result.experiment}: {address}",
    )


def _page(result: RunResult, picture: str) -> str:
    metrics = "\n".join(f"| {name} | {value:.4f} |" for name, value in result.metrics.items())
    parts = [
        f"![cumulated IC]({data_uri(picture)})" if picture else "",
        f"| all windows together | |\n|---|---|\n{metrics}",
        "\n".join(f"- no predictions for {gap}" for gap in result.gaps),
        "\n".join(f"- {warning}" for warning in result.warnings),
        # a block, for a line of text would run over what is beside it: Prefect breaks no path
        f"```text\nMLflow run {result.recorder_id}\npredictions {result.predictions}\nreport {result.report}\n```",
    ]
    return "\n\n".join(part for part in parts if part)


def _row(window: WindowResult) -> dict[str, Any]:
    return {
        "test": "..".join(map(str, window.segments["test"])),
        "train until": window.segments["train"][1],
        "status": "reused" if window.reused else window.status.value,
        "attempts": window.attempts,
        "trees": window.best_iteration,
        **{name: round(window.metrics[name], 4) for name in ("IC", "Rank IC") if name in window.metrics},
        "seconds": round(sum(window.seconds.values()), 1),
        "error": window.error,
    }
