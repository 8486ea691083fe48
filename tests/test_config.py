"""Configs: Qlib's YAML as it is, and what is wrong said in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from components.config import parse_config, read_config
from components.errors import InputError

TASK = """
task:
  model: {class: LGBModel, kwargs: {num_leaves: 31}}
  dataset:
    class: DatasetH
    kwargs:
      handler: {class: Alpha158, kwargs: {instruments: all}}
      segments: {train: [2010-01-04, 2014-12-31], test: [2015-01-05, 2015-12-31]}
"""


def test_the_builtin_config_is_the_demo_market() -> None:
    config = read_config(None)
    assert config.market == "demo:"
    assert config.experiment_name == "demo"
    assert config.rolling.step == 80


def test_dates_of_yaml_become_plain_text() -> None:
    assert parse_config(TASK, "here").template().segments["train"] == ("2010-01-04", "2014-12-31")


@pytest.mark.shared
def test_a_qlib_workflow_is_a_config_as_it_is(shared: Path) -> None:
    config = json.loads((shared / "goldens" / "rolling_run.json").read_text())["config"]
    text = yaml.safe_dump({"qlib_init": {"provider_uri": "~/.qlib/cn_data", "region": "cn"}, **config})
    run = parse_config(text, "qlib.yaml")
    assert run.market == "qlib:~/.qlib/cn_data"
    assert run.experiment_name == "rolling"
    assert run.template().to_config() == config["task"]


def test_options_win_over_the_file() -> None:
    config = parse_config(TASK + "data: 'qlib:a'\nrolling: {step: 20, type: sliding}", "here")
    changed = config.with_options(data="demo:", step=5, experiment=None)
    assert (changed.market, changed.rolling.step, changed.rolling.type) == ("demo:", 5, "sliding")
    assert config.rolling.step == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TASK + "rollin: {step: 5}", "unknown key 'rollin'; did you mean 'rolling'?"),
        (TASK + "rolling: {stepp: 5}", "unknown key 'rolling.stepp'; did you mean 'step'?"),
        (TASK + "rolling: {step: 0}", "rolling.step: Input should be greater than 0, got 0"),
        (
            TASK + "rolling: {type: growing}",
            "rolling.type: Input should be 'expanding' or 'sliding', got 'growing'",
        ),
        ("data: 'demo:'", "the section 'task' is missing"),
        ("task: [1", "line 1, column 9: not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_config(text, "my.yaml")
    assert message in str(caught.value)
    assert "my.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml: does not exist"):
        read_config(tmp_path / "nowhere.yaml")


def test_a_section_that_only_holds_anchors_is_no_obstacle() -> None:
    text = TASK.replace("num_leaves: 31", "num_leaves: *leaves, <<: *rest")
    config = parse_config("leaves: &leaves 63\nrest: &rest {max_depth: *leaves}\n" + text, "here")
    assert config.task["model"]["kwargs"] == {"num_leaves": 63, "max_depth": 63}


def test_a_section_that_refers_to_others_but_holds_nothing_is_unknown() -> None:
    text = TASK.replace("all", "&all all") + "rollin: {type: *all}"
    with pytest.raises(InputError, match="unknown key 'rollin'"):
        parse_config(text, "here")


def test_an_empty_section_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (TASK + "rolling:\n").encode())
    assert read_config(path).rolling.step == 40


def test_a_folder_of_daily_data_may_be_given_by_its_frequency() -> None:
    assert parse_config(TASK + "qlib_init: {provider_uri: {day: /data}}", "here").market == "qlib:/data"


@pytest.mark.parametrize("name", ["alpha 158", "実験", "a.b-c_d", "<script>", "50%", "x" * 120])
def test_names_may_be_anything_that_is_no_path(name: str) -> None:
    config = parse_config(TASK, "here").with_options(experiment=name)
    assert config.pool_name == name


def test_a_config_without_data_says_what_to_add() -> None:
    with pytest.raises(InputError, match="pass --data"):
        _ = parse_config(TASK, "here").market


def test_options_change_nothing_that_they_do_not_say() -> None:
    exchange = parse_config(TASK + "online: {schedule: {exchange: XNYS}, strategies: {a: {}}}", "here")
    changed = exchange.with_options(data="demo:", experiment="mine", step=5)
    assert changed.service == exchange.service
    assert (changed.market, changed.experiment_name, changed.rolling.step) == ("demo:", "mine", 5)
