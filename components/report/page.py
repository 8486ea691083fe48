"""The report of a run as one HTML file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import yaml

from components.report.content import Compared, ReportContent
from components.report.html import fill
from components.report.parts import Headline, written
from components.report.sections import sections
from components.tasks import Json

_EXCESS = "1day.excess_return_with_cost."
#: What the head of the page shows: group -> metric -> its name there, and how it is written.
_HEADLINES = {
    "Signal": {
        "IC": ("IC", "{:.4f}"),
        "ICIR": ("ICIR", "{:.3f}"),
        "Rank IC": ("Rank IC", "{:.4f}"),
        "Rank ICIR": ("Rank ICIR", "{:.3f}"),
        "Long-Short Ann Return": ("Long-short, a year", "{:.1%}"),
        "Long-Short Ann Sharpe": ("Long-short Sharpe", "{:.2f}"),
    },
    "Backtest: return over the benchmark, after costs": {
        f"{_EXCESS}annualized_return": ("Excess return, a year", "{:.1%}"),
        f"{_EXCESS}information_ratio": ("Information ratio", "{:.2f}"),
        f"{_EXCESS}max_drawdown": ("Deepest drawdown", "{:.1%}"),
    },
}


def render(content: ReportContent) -> str:
    """The HTML of a report."""
    parts = list(sections(content))
    return fill(
        "run.html",
        (card for part in parts for card in part.cards),
        content=content,
        headlines=headlines(content.metrics),
        sections=parts,
        failed=[each for each in content.trainings if not each.is_done],
        reused=[each for each in content.trainings if each.reused],
        comparison=comparison(content.compared),
        config=yaml.safe_dump(dict(content.config), sort_keys=False, allow_unicode=True),
    )


def headlines(metrics: Mapping[str, float]) -> dict[str, list[Headline]]:
    """What stands in the head of the page of a run's metrics, by group; groups without any are left out."""
    groups: dict[str, list[Headline]] = {}
    for group, known in _HEADLINES.items():
        for name, (words, form) in known.items():
            if name in metrics:
                groups.setdefault(group, []).append(Headline(words, written(metrics[name], form)))
    return groups


def comparison(runs: Sequence[Compared]) -> dict[str, dict[str, list[str]]]:
    """The table of runs: group -> row -> a cell for each run; rows without any value are left out."""
    known = {name: shown for group in _HEADLINES.values() for name, shown in group.items()}
    metrics = {
        words: [written(run.metrics.get(name), form) for run in runs]
        for name, (words, form) in known.items()
        if any(name in run.metrics for run in runs)
    }
    alike = [written(run.likeness, "{:.4f}") for run in runs]
    paths = dict.fromkeys(path for run in runs for path in run.differences)
    differences = {path: [_json(run.differences, path) for run in runs] for path in paths}
    groups = {"Metrics": metrics, "Scores": {"Correlation with this run": alike}, "Differences": differences}
    return {name: rows for name, rows in groups.items() if runs and rows}


def _json(values: Mapping[str, Json], path: str) -> str:
    return json.dumps(values[path], ensure_ascii=False) if path in values else ""
