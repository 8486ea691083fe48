from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.tasks import TrainingTask, canonical, content_key, plain

CONFIG: dict[str, Any] = {
    "model": {"class": "LGBModel", "module_path": "qlib.contrib.model.gbdt", "kwargs": {"seed": 1}},
    "dataset": {
        "class": "DatasetH",
        "kwargs": {
            "handler": {"class": "Alpha158", "kwargs": {"end_time": datetime.date(2020, 8, 1)}},
            "segments": {"train": (datetime.date(2010, 1, 1), "2014-12-31"), "test": ["2017-01-01", None]},
        },
    },
    "record": {"class": "SignalRecord"},
}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_reads_a_config_as_yaml_gives_it() -> None:
    task = TrainingTask.from_config(CONFIG)
    assert task.segments == {"train": ("2010-01-01", "2014-12-31"), "test": ("2017-01-01", None)}
    assert task.handler["kwargs"] == {"end_time": "2020-08-01"}
    assert task.record == ({"class": "SignalRecord"},)
    assert task.data is None


def test_the_key_does_not_change_between_versions() -> None:
    # Stored pools hold this key: a change of the canonical form would orphan every task in them.
    assert canonical(TrainingTask.from_config(CONFIG).to_config()) == (
        '{"dataset":{"class":"DatasetH","kwargs":{"handler":{"class":"Alpha158","kwargs":{"end_time":"2020-08-01"}},'
        '"segments":{"test":["2017-01-01",null],"train":["2010-01-01","2014-12-31"]}}},'
        '"model":{"class":"LGBModel","kwargs":{"seed":1},"module_path":"qlib.contrib.model.gbdt"},'
        '"record":[{"class":"SignalRecord"}]}'
    )
    assert (
        TrainingTask.from_config(CONFIG).key == "bece7bba4c02171ceae55dfffacf40a2b39f39360c2e9292ece7cff1528917f8"
    )


def test_the_order_of_keys_does_not_matter_but_every_value_does() -> None:
    task = TrainingTask.from_config(CONFIG)
    assert TrainingTask.from_config(dict(reversed(CONFIG.items()))).key == task.key
    assert task.with_model_kwargs(seed=1).key == task.key
    changed = [
        task.with_model_kwargs(seed=2),
        task.with_handler_kwargs(end_time="2020-08-02"),
        task.with_segments({**task.segments, "test": ("2017-01-01", "2017-12-31")}),
        task.with_data("demo:"),
    ]
    assert len({task.key, *(other.key for other in changed)}) == 5


@given(JSON)
def test_canonical_form_is_a_fixed_point(value: Any) -> None:
    assert canonical(json.loads(canonical(value))) == canonical(value)
    assert content_key(value) == content_key(json.loads(canonical(value)))


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_a_config_survives_the_way_there_and_back(kwargs: dict[str, Any]) -> None:
    task = TrainingTask.from_config(CONFIG).with_model_kwargs(**kwargs)
    again = TrainingTask.from_config(task.to_config())
    assert again == task
    assert again.key == task.key


def test_replacing_leaves_the_original_alone() -> None:
    task = TrainingTask.from_config(CONFIG)
    key = TrainingTask.from_config(task.to_config()).key
    task.with_model_kwargs(seed=9)
    task.with_handler_kwargs(end_time=None)
    task.with_segments({"test": ("2018-01-01", None)})
    assert TrainingTask.from_config(task.to_config()).key == key


def test_empty_kwargs_in_yaml_are_none_at_all() -> None:
    handler = {"class": "Alpha158", "kwargs": None}
    kwargs = {**CONFIG["dataset"]["kwargs"], "handler": handler}
    task = TrainingTask.from_config({"model": {"class": "LGBModel", "kwargs": None}, "dataset": {"kwargs": kwargs}})
    assert task.with_handler_kwargs(label=["$close"]).handler["kwargs"] == {"label": ["$close"]}
    assert task.with_model_kwargs(seed=1).model["kwargs"] == {"seed": 1}


def without(*path: str) -> dict[str, Any]:
    config: dict[str, Any] = plain(CONFIG)
    inner = config
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({**CONFIG, "modle": {}}, "unknown key 'modle'; did you mean 'model'"),
        (without("model"), "the section 'model' is missing; it needs class, module_path and kwargs"),
        (without("dataset", "kwargs", "segments"), r"segments is missing; give at least train and test"),
        ({**CONFIG, "dataset": {"kwargs": {"segments": {"test": "2017"}}}}, r"segments.test: expected \[first day"),
        (
            {**CONFIG, "dataset": {"kwargs": {"segments": {"test": [1, 2, 3]}}}},
            r"segments.test: expected \[first day",
        ),
        (
            {**CONFIG, "model": {"class": "M", "kwargs": {"callback": print}}},
            "kwargs.callback: a builtin_function_or_method cannot",
        ),
    ],
)
def test_a_wrong_config_is_refused_with_its_place(config: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TrainingTask.from_config(config)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_lacks_is_named(number: float) -> None:
    with pytest.raises(InputError, match=rf"^model\.seeds\[1\]: {number} cannot be stored as JSON"):
        canonical({"model": {"seeds": [1.5, number]}})
    with pytest.raises(InputError, match=rf"kwargs\.alpha: {number} cannot"):
        TrainingTask.from_config({**CONFIG, "model": {"class": "LinearModel", "kwargs": {"alpha": number}}})


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (None, "is missing; it needs class, module_path and kwargs"),
        ("file:///tmp/handler.pkl", r"'file:///tmp/handler\.pkl' names a dumped handler"),
        (["Alpha158"], r"expected class, module_path and kwargs, not \['Alpha158'\]"),
        ({"module_path": "qlib.contrib.data.handler"}, "expected class, module_path and kwargs, not {'mod"),
        ({"class": "Alpha158", "kwargs": "csi300"}, r"kwargs: expected names and values, not 'csi300'"),
    ],
)
def test_a_handler_that_is_none_is_refused(handler: Any, message: str) -> None:
    kwargs = {**CONFIG["dataset"]["kwargs"], "handler": handler}
    with pytest.raises(InputError, match=rf"task\.dataset\.kwargs\.handler.*{message}") as refused:
        TrainingTask.from_config({**CONFIG, "dataset": {"class": "DatasetH", "kwargs": kwargs}})
    assert "\n" not in str(refused.value)


def test_times_of_day_are_kept() -> None:
    assert plain(datetime.datetime(2020, 1, 2)) == "2020-01-02"
    assert plain(datetime.datetime(2020, 1, 2, 9, 30)) == "2020-01-02 09:30:00"
