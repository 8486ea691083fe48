"""Tasks that see their future are refused, by name, field and days, unless the config says that it is meant."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from test_input_warnings import config, warned

from components.config import parse_config
from components.data import open_market
from components.errors import InputError
from components.rolling import plan_single, plan_windows
from components.serving.from_config import strategies_of


def refused(content: dict[str, Any], *, single: bool = False) -> str:
    """What is said of a config that leaks: by the plan, and by a service of the same config."""
    run = parse_config(yaml.safe_dump(content), "here")
    market = open_market(run.market)
    with pytest.raises(InputError) as raised:
        (plan_single if single else plan_windows)(run, market)
    if not single:
        with pytest.raises(InputError) as served:
            strategies_of(run, market)
        assert str(served.value) == f"strategy LinearModel: {raised.value}"
    return str(raised.value)


def scaled(until: str | None) -> dict[str, Any]:
    """The small config with features that are scaled as they are until a day."""
    content = config()
    content["task"]["dataset"]["kwargs"]["handler"]["kwargs"]["infer_processors"] = [
        {"class": "ZScoreNorm", "kwargs": {"fit_start_time": "2015-02-02", "fit_end_time": until}}
    ]
    return content


def test_a_gap_that_is_shorter_than_labels_look_ahead() -> None:
    for gap in (0, 1):
        assert refused(config(rolling={"gap": gap})) == (
            "leak: segment 'valid' ends on 2016-03-31 and its labels look 2 days ahead, beyond the first test day "
            "2016-04-01; end it 2 days before the test (rolling.gap: auto); "
            "if you mean that, write it down: 'allow_leaks: [gap]'"
        )
    assert warned(config(rolling={"gap": 2})) == ()
    assert warned(config(rolling={"gap": 0}, valid=["2016-01-04", "2016-03-30"])) == ()  # far enough as it is
    assert warned(config(rolling={"gap": 0}, allow_leaks=["gap"]))[0].startswith(
        "segment 'valid' ends on 2016-03-31"
    )


def test_qlibs_segments_have_no_gap_which_a_single_training_tells_and_takes() -> None:
    (told,) = warned(config(), rolling=False)
    assert told == (
        "segment 'valid' ends on 2016-03-31 and its labels look 2 days ahead, beyond the first test day "
        "2016-04-01; end it 2 days before the test (rolling.gap: auto)"
    )


def test_an_embargo_comes_on_top_of_the_gap() -> None:
    def last_days(**rolling: Any) -> list[str]:
        run = parse_config(yaml.safe_dump(config(rolling={"step": 60} | rolling)), "here")
        first = plan_windows(run, open_market(run.market))[0].task.segments
        assert first["test"][0] == "2016-04-01"
        return [str(first[name][1]) for name in ("train", "valid")]

    assert last_days() == ["2015-12-31", "2016-03-30"]  # one day between, as the label looks two days ahead
    assert last_days(embargo=5) == ["2015-12-31", "2016-03-23"]
    assert last_days(gap=3, embargo=4) == ["2015-12-31", "2016-03-23"]
    assert last_days(gap=0, embargo=2) == ["2015-12-31", "2016-03-30"]


@pytest.mark.parametrize("text", ["Ref($close, -1)/$close", "Mean(Ref($close, -2), 5)/$close"])
def test_a_feature_that_looks_ahead(text: str) -> None:
    message = refused(config(feature=[[text, "$open/$close"], ["NEXT", "OPEN"]]))
    assert message.startswith("leak: feature NEXT looks up to ")
    assert message.endswith("write it down: 'allow_leaks: [feature]'")


def test_a_feature_whose_window_is_centred() -> None:
    centred = "Mean(Ref($close, -5), 11)/$close"  # from five days before to five days after
    assert "feature MIDDLE looks up to 5 days ahead" in refused(config(feature=[[centred], ["MIDDLE"]]))


def test_segments_that_overlap() -> None:
    overlapping = config(train=["2015-02-02", "2016-01-29"])
    assert refused(overlapping).startswith(
        "leak: segments 'train' and 'valid' share the days from 2016-01-04 to 2016-01-29: "
    )
    long = config(train=["2015-02-02", "2016-06-30"])
    del long["task"]["dataset"]["kwargs"]["segments"]["valid"]
    assert refused(long, single=True).startswith(
        "leak: segment 'train' reaches to 2016-06-30, into the test from 2016-04-01: the model knows the answers"
    )
    assert warned(long) == ()  # rolling windows end their segments before the test


def test_a_segment_that_nobody_learns_from_may_lie_after_the_test() -> None:
    content = config(valid=["2016-01-04", "2016-03-30"], test=["2016-04-01", "2016-06-30"])
    content["task"]["dataset"]["kwargs"]["segments"]["later"] = ["2016-07-01", "2016-11-30"]
    assert warned(content, rolling=False) == ()


@pytest.mark.parametrize(
    ("until", "says"),
    [
        ("2016-01-04", "ZScoreNorm is fitted on days until 2016-01-04, into segment 'valid' from 2016-01-04"),
        ("2016-11-30", "ZScoreNorm is fitted on days until 2016-11-30, into segment 'valid' from 2016-01-04"),
        (None, "ZScoreNorm is fitted on days until the end of the data, into segment 'valid' from 2016-01-04"),
    ],
)
def test_a_scaler_that_is_fitted_on_days_to_come(until: str | None, says: str) -> None:
    run = parse_config(yaml.safe_dump(scaled(until)), "here")
    with pytest.raises(InputError, match=says):
        plan_windows(run, open_market(run.market))
    assert warned(scaled("2015-12-31")) == ()
    assert warned(scaled(until) | {"allow_leaks": ["fit"]})[0].startswith(says)


def test_bins_of_days_to_come() -> None:
    def binned(until: str) -> dict[str, Any]:
        content = config("LGBModel")
        content["task"]["model"]["kwargs"] = {"bin_days": ["2015-02-02", until]}
        return content

    run = parse_config(yaml.safe_dump(binned("2016-02-29")), "here")
    says = "LGBModel makes its bins on days until 2016-02-29, into segment 'valid' from 2016-01-04"
    with pytest.raises(InputError, match=says):
        plan_windows(run, open_market(run.market))
    assert warned(binned("2015-12-31")) == ()


def test_only_what_is_written_down_is_allowed() -> None:
    leaking = config(feature=[["Ref($close, -1)/$close"], ["NEXT"]], rolling={"gap": 0})
    assert "allow_leaks: [gap]" in refused(leaking | {"allow_leaks": ["feature"]})
    assert len(warned(leaking | {"allow_leaks": ["feature", "gap"]})) == 2
