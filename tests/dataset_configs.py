"""Descriptions of datasets, as configs hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def dataset(
    instruments: str, feature: Sequence[Any], label: Sequence[Any], **segments: list[str]
) -> dict[str, Any]:
    """The segments of a handler's columns, given as expressions and names; days without a label are not learnt."""
    return {
        "class": "DatasetH",
        "kwargs": {
            "handler": {
                "class": "DataHandlerLP",
                "kwargs": {
                    "instruments": instruments,
                    "data_loader": {
                        "class": "QlibDataLoader",
                        "kwargs": {"config": {"feature": feature, "label": label}},
                    },
                    "learn_processors": [{"class": "DropnaLabel"}],
                },
            },
            "segments": segments,
        },
    }
