from __future__ import annotations

from typing import Any

import pytest

from components.data.calendar import TradingCalendar
from components.errors import InputError
from components.tasks import (
    GridGen,
    MultiHorizonGen,
    RollingGen,
    TaskGen,
    TrainingTask,
    return_label,
    task_generator,
)

JANUARY = TradingCalendar.of(f"2024-01-{day:02}" for day in range(1, 32))


def template(seed: int = 0) -> TrainingTask:
    return TrainingTask.from_config(
        {
            "model": {"class": "LGBModel", "kwargs": {"learning_rate": 0.2, "seed": seed}},
            "dataset": {
                "kwargs": {
                    "handler": {"class": "Alpha158", "kwargs": {"instruments": "csi300"}},
                    "segments": {
                        "train": ("2024-01-01", "2024-01-05"),
                        "valid": ("2024-01-06", "2024-01-20"),
                        "test": ("2024-01-21", "2024-01-30"),
                    },
                }
            },
            "record": [{"class": "SignalRecord"}, {"class": "SigAnaRecord", "kwargs": {"ana_long_short": False}}],
        }
    )


def kwargs(task: TrainingTask) -> tuple[int, float]:
    return task.model["kwargs"]["seed"], task.model["kwargs"]["learning_rate"]


class Seeds(TaskGen):
    """A generator of one's own."""

    def __init__(self, *offsets: int) -> None:
        self.offsets = offsets

    def generate(self, task: TrainingTask) -> list[TrainingTask]:
        return [task.with_model_kwargs(seed=task.model["kwargs"]["seed"] + offset) for offset in self.offsets]


def test_every_template_goes_through_every_generator_in_order() -> None:
    templates = [template(100), template(200), template(300)]
    grid = GridGen({"model.kwargs.learning_rate": [0.1, 0.2, 0.3]})
    tasks = task_generator(templates, [Seeds(1, 2), grid])
    assert [kwargs(task) for task in tasks] == [
        (seed, rate) for seed in (101, 102, 201, 202, 301, 302) for rate in (0.1, 0.2, 0.3)
    ]


def test_one_template_and_one_generator_need_no_list() -> None:
    assert [kwargs(task) for task in task_generator(template(), Seeds(7))] == [(7, 0.2)]
    assert task_generator(template(), []) == [template()]


def test_horizons_set_label_and_gap() -> None:
    tasks = MultiHorizonGen(horizons=[1, 5], label_leak=2, calendar=JANUARY).generate(template())
    assert [task.handler["kwargs"]["label"] for task in tasks] == [
        ["Ref($close, -2)/Ref($close, -1) - 1"],
        ["Ref($close, -6)/Ref($close, -1) - 1"],
    ]
    assert [task.segments["valid"][1] for task in tasks] == ["2024-01-18", "2024-01-14"]
    assert {task.segments["test"] for task in tasks} == {("2024-01-21", "2024-01-30")}
    assert tasks[0].handler["kwargs"]["instruments"] == "csi300"


def test_windows_rolled_from_a_horizon_keep_its_gap() -> None:
    generators = [MultiHorizonGen(horizons=[1, 5], calendar=JANUARY), RollingGen(step=5, calendar=JANUARY)]
    tasks = task_generator(template(), generators)
    assert [(task.segments["valid"][1], task.segments["test"][0]) for task in tasks] == [
        ("2024-01-18", "2024-01-21"),
        ("2024-01-23", "2024-01-26"),
        ("2024-01-14", "2024-01-21"),
        ("2024-01-19", "2024-01-26"),
    ]


def test_a_label_of_ones_own() -> None:
    horizons = MultiHorizonGen(horizons=[3], calendar=JANUARY, label=lambda days: f"Ref($open, -{days})/$open - 1")
    assert horizons.generate(template())[0].handler["kwargs"]["label"] == ["Ref($open, -3)/$open - 1"]
    assert return_label(3) == "Ref($close, -4)/Ref($close, -1) - 1"


@pytest.mark.parametrize("horizons", [[], [0, 5]])
def test_horizons_must_be_days_ahead(horizons: list[int]) -> None:
    with pytest.raises(InputError, match="give at least one, each of at least 1 trading day"):
        MultiHorizonGen(horizons=horizons, calendar=JANUARY)


def test_a_horizon_that_leaves_no_training_day_is_refused() -> None:
    with pytest.raises(InputError, match="a gap of 18 trading days leaves nothing of segment 'valid'"):
        MultiHorizonGen(horizons=[1, 16], calendar=JANUARY).generate(template())


def test_a_grid_makes_all_combinations_the_last_parameter_fastest() -> None:
    tasks = GridGen({"model.kwargs.seed": [1, 2], "model.kwargs.learning_rate": [0.1, 0.3]}).generate(template())
    assert [kwargs(task) for task in tasks] == [(1, 0.1), (1, 0.3), (2, 0.1), (2, 0.3)]
    assert kwargs(template()) == (0, 0.2)


def test_a_grid_reaches_sections_and_list_items() -> None:
    linear = {"class": "LinearModel", "kwargs": {}}
    models = GridGen({"model": [linear, template().model]}).generate(template())
    assert [task.model["class"] for task in models] == ["LinearModel", "LGBModel"]
    records = GridGen({"record.1.kwargs.ana_long_short": [True, False]}).generate(template())
    assert [task.record[1]["kwargs"]["ana_long_short"] for task in records] == [True, False]
    assert all(task.record[0] == {"class": "SignalRecord"} for task in records)


def test_equal_grid_points_are_equal_tasks() -> None:
    (same,) = GridGen({"model.kwargs.seed": [0]}).generate(template())
    assert same.key == template().key


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"model.kwargs.learning_rte": [1]}, "no 'learning_rte' in model.kwargs; did you mean 'learning_rate'"),
        ({"modle": [1]}, "no 'modle' in it; did you mean 'model'"),
        ({"record.2.class": ["X"]}, "no '2' in record; give the template a value"),
        ({"model.class.name": ["X"]}, "no 'name' in model.class"),
    ],
)
def test_a_path_that_is_not_in_the_task_is_refused(grid: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        GridGen(grid).generate(template())


@pytest.mark.parametrize(
    "grid", [{}, {"model.kwargs.seed": []}, {"model.class": "LGBModel"}, {"model.kwargs.seed": 3}]
)
def test_a_grid_needs_lists_of_values(grid: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="at least one"):
        GridGen(grid)
