"""Alpha158 and Alpha360: Qlib's names, expressions and values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.data import open_market
from components.features.alpha import LABEL, alpha158_fields, alpha360_fields
from components.features.engine import evaluate
from components.features.expression import lookahead
from components.features.parser import parse
from components.features.rows import RowIndex

FEATURES = {"alpha158": alpha158_fields(), "alpha360": alpha360_fields()}


@pytest.fixture(scope="module")
def manifest(shared: Path) -> dict[str, Any]:
    return dict(json.loads((shared / "goldens" / "MANIFEST.json").read_text()))


def compute(shared: Path, features: dict[str, str], parameters: dict[str, Any]) -> pd.DataFrame:
    market = open_market(f"qlib:{shared / 'data' / 'cn_csi300'}")
    membership = market.membership(parameters["instruments"])
    frames = []
    for start, end in parameters["spans"]:
        rows = RowIndex.of(market, membership, *market.calendar.span(start, end))
        out = np.empty((len(rows), len(features)), np.float32)
        evaluate([parse(text) for text in features.values()], market, rows, out, start=0)
        frames.append(pd.DataFrame(out, index=rows.to_index(), columns=list(features)))
    return pd.concat(frames).sort_index()


@pytest.mark.shared
def test_names_and_expressions_are_qlibs(manifest: dict[str, Any]) -> None:
    assert list(alpha158_fields().items()) == list(manifest["alpha158_expressions"]["feature"].items())
    assert manifest["alpha158_expressions"]["label"] == LABEL


def test_alpha360_counts_the_days_down() -> None:
    fields = list(alpha360_fields().items())
    assert len(fields) == 360
    assert fields[0] == ("CLOSE59", "Ref($close, 59)/$close")
    assert fields[59] == ("CLOSE0", "$close/$close")
    assert fields[60] == ("OPEN59", "Ref($open, 59)/$close")
    assert fields[-2:] == [("VOLUME1", "Ref($volume, 1)/($volume+1e-12)"), ("VOLUME0", "$volume/($volume+1e-12)")]


def test_only_the_label_looks_ahead() -> None:
    for features in FEATURES.values():
        assert {lookahead(parse(text)) for text in features.values()} == {0}
    assert lookahead(parse(LABEL["LABEL0"])) == 2


@pytest.mark.shared
@pytest.mark.parametrize("name", FEATURES)
def test_values_are_qlibs_to_the_last_bit(name: str, shared: Path, manifest: dict[str, Any]) -> None:
    theirs = (
        pd.read_parquet(shared / "goldens" / f"{name}.parquet").set_index(["datetime", "instrument"]).sort_index()
    )
    ours = compute(shared, {**FEATURES[name], **LABEL}, manifest["files"][f"{name}.parquet"]["parameters"])
    assert ours.columns.equals(theirs.columns)
    assert ours.index.equals(theirs.index)
    different = [column for column in theirs if not np.array_equal(ours[column], theirs[column], equal_nan=True)]
    assert different == []
