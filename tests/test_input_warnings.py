"""What is suspicious, but may be meant: a plan and the summary of a run say so, and go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import CONFIG, desk
from wrong_inputs.tables import right

from components.config import parse_config
from components.data import open_market
from components.rolling import plan_single, plan_windows, warnings_of

LOADER = ("task", "dataset", "kwargs", "handler", "kwargs", "data_loader", "kwargs", "config")
SEGMENTS = ("task", "dataset", "kwargs", "segments")


def config(model: str = "LinearModel", **changes: Any) -> dict[str, Any]:
    """The small config with other features, label or segments."""
    content: dict[str, Any] = json.loads(json.dumps(CONFIG))
    content["task"]["model"] = {"class": model}
    for path, names in ((LOADER, ("feature", "label")), (SEGMENTS, ("train", "valid", "test"))):
        inner = content
        for part in path:
            inner = inner[part]
        inner |= {name: changes.pop(name) for name in names if name in changes}
    return content | changes


def warned(content: dict[str, Any], *, rolling: bool = True) -> tuple[str, ...]:
    run = parse_config(yaml.safe_dump(content), "here")
    market = open_market(run.market)
    window = plan_windows(run, market)[0] if rolling else plan_single(run, market)
    return warnings_of(window.task, market)


def prices(folder: Path, change: Any) -> str:
    """The address of a table after a change of its closes."""
    frame: pd.DataFrame = right()
    frame["close"] = change(frame["close"])
    frame.to_parquet(folder / "prices.parquet")
    return f"parquet:{folder}/prices.parquet"


def test_nothing_is_said_of_what_is_right() -> None:
    assert warned(config()) == ()


def test_a_feature_that_knows_the_future_is_named() -> None:
    feature = [["Ref($close, -1)/$close", "$open/$close", "Mean(Ref($close, -3), 2)"], ["NEXT", "OPEN", "SOON"]]
    assert warned(config(feature=feature, allow_leaks=["feature"])) == (
        "feature NEXT, SOON looks up to 3 days ahead: the model is given what nobody knows on the day",
    )


def test_learning_from_the_test_is_named_where_nothing_prevents_it() -> None:
    content = config(train=["2015-02-02", "2016-06-30"], valid=["2016-07-01", "2016-09-30"])
    assert warned(content | {"allow_leaks": ["segments"]}, rolling=False) == (
        "segment 'train' reaches to 2016-06-30, into the test from 2016-04-01: the model knows the answers",
        "segment 'valid' reaches to 2016-09-30, into the test from 2016-04-01: the model knows the answers",
    )


def test_a_price_that_is_none_is_named(tmp_path: Path) -> None:
    data = prices(tmp_path, lambda close: close.where(close.index != 2507, 0.0))
    assert warned(config(data=data, feature=[["$open/$close"], ["F"]])) == (
        "$close is 0 or below in 1 row, such as SH600007 on 2015-12-17; missing prices are NaN",
    )


def test_a_feature_of_a_field_that_the_data_lacks_is_named(tmp_path: Path) -> None:
    data = prices(tmp_path, np.asarray)
    assert warned(config(data=data, feature=[["$vwap/$close", "$open/$close"], ["VWAP", "F"]])) == (
        "feature 'VWAP' ($vwap/$close) has no value: the data has no $vwap",
    )


@pytest.mark.acceptance
def test_the_plan_and_the_summary_print_them(tmp_path: Path) -> None:
    place = desk(tmp_path)
    path = tmp_path / "run.yaml"
    leaking = config(feature=[["Ref($close, -1)/$close"], ["NEXT"]], allow_leaks=["feature"])
    path.write_text(yaml.safe_dump(leaking))
    for arguments in (["--plan"], []):
        outcome = place.run("flows.rolling", path, *arguments)
        assert outcome.status == 0, outcome.err
        assert "feature NEXT looks up to 1 day ahead" in outcome.out
