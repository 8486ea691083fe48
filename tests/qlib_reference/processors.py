"""The processors of the reference, as Qlib and ours are given them."""

from __future__ import annotations

from typing import Any

FEATURE, LABEL = {"fields_group": "feature"}, {"fields_group": "label"}
#: Name -> infer and learn processors: class and arguments of each.
PROCESSORS: dict[str, tuple[list[tuple[str, dict[str, Any]]], list[tuple[str, dict[str, Any]]]]] = {
    "robust": (
        [("RobustZScoreNorm", {**FEATURE, "clip_outlier": True}), ("Fillna", FEATURE)],
        [("DropnaLabel", {}), ("CSZScoreNorm", LABEL)],
    ),
    "scores": (
        [("ProcessInf", {}), ("ZScoreNorm", {}), ("Fillna", {})],
        [("DropnaLabel", {}), ("CSRankNorm", LABEL)],
    ),
    "range": ([("MinMaxNorm", FEATURE)], [("DropnaLabel", {}), ("CSZScoreNorm", {**LABEL, "method": "robust"})]),
    "days": ([("CSZScoreNorm", FEATURE), ("CSZFillna", FEATURE)], [("DropnaLabel", {})]),
}
