"""What is done stays done as long as the data that it saw is the same, and no longer."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import CONFIG

from components.config import RunConfig, parse_config
from components.data import Fingerprints, Market, Markets, open_market
from components.errors import InputError
from components.execution import NotRunnableHere, Worker
from components.features import MatrixStore
from components.pool import TaskPool, TaskStatus
from components.rolling import data_changes, join_windows, plan_windows, refresh_labels, store_windows
from components.rolling.window import Stored
from components.tracking import ExperimentManager
from components.training import PoolTrainer, TaskTrainer, TrainingContext, build_handler, data_view

TESTS = ["2020-05-01", "2020-06-12", "2020-07-24"]


def config(**rolling: Any) -> RunConfig:
    """Three windows of the small config, on a linear model."""
    content = json.loads(json.dumps(CONFIG)) | {"rolling": {"step": 30, **rolling}}
    content["task"]["model"] = {"class": "LinearModel", "kwargs": {"estimator": "ridge", "alpha": 0.1}}
    content["task"]["dataset"]["kwargs"]["segments"] = {
        "train": ["2020-01-15", "2020-03-31"],
        "valid": ["2020-04-01", "2020-04-30"],
        "test": [TESTS[0], "2020-09-03"],
    }
    return parse_config(yaml.safe_dump(content), "test")


def bars(days: int = 180) -> pd.DataFrame:
    """Made-up bars of eight instruments; more days do not change the earlier ones."""
    rng = np.random.default_rng(5)
    day = pd.bdate_range("2020-01-01", periods=days)
    moves = 0.02 * rng.standard_normal((days, 8, 2))
    codes = [f"S{number:03d}" for number in range(1, 9)]
    table = pd.DataFrame({"date": np.repeat(day, 8), "instrument": np.tile(codes, days)})
    table["close"] = 10 * np.exp(moves[:, :, 0].cumsum(axis=0)).reshape(-1)
    table["volume"] = np.round(1e6 * np.exp(moves[:, :, 1])).reshape(-1)
    return table


def mended(table: pd.DataFrame, day: str, code: str, factor: float = 1.1) -> pd.DataFrame:
    """The bars with another close on one day."""
    table = table.copy()
    table.loc[(table["date"] == day) & (table["instrument"] == code), "close"] *= factor
    return table


class Place:
    """A pool, an experiment and a folder of data."""

    def __init__(self, folder: Path, pool: TaskPool, experiments: ExperimentManager) -> None:
        self.folder, self.pool, self.experiments = folder, pool, experiments
        self.experiment = experiments.get_or_create(pool.name)
        self.trainer = TaskTrainer(
            experiments=experiments,
            experiment=pool.name,
            markets=Markets(),
            matrices=MatrixStore(folder / "matrices"),
            fingerprints=Fingerprints(folder / "fingerprints"),
        )

    def write(self, table: pd.DataFrame, name: str = "bars.parquet") -> Market:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        table.to_parquet(path, index=False)
        return open_market(f"parquet:{path}")

    def changes(self, market: Market, **rolling: Any) -> dict[str, str]:
        """What a plan says of the windows that would be trained, by their first test day."""
        tasks = [window.task for window in plan_windows(config(**rolling), market, known=self.trainer.fingerprints)]
        done = {record.id for record in self.pool.find({"status": "done"})}
        said = data_changes(tasks, self.pool, self.experiments, market)
        return {task.name: said.get(task.key, "new") for task in tasks if task.key not in done}

    def run(self, market: Market, **rolling: Any) -> Stored:
        """Train what is not done."""
        tasks = [window.task for window in plan_windows(config(**rolling), market, known=self.trainer.fingerprints)]
        stored = store_windows(tasks, self.pool, self.experiments, self.experiment, market)
        context = TrainingContext(experiment=self.experiment, parent=stored.parent, data=market.uri)
        PoolTrainer(pool=self.pool, trainer=self.trainer, context=context).train(tasks)
        if stored.trace and stored.parent:
            self.experiments.recorder(stored.parent).save_object("data.json", stored.trace.to_document())
        return stored


@pytest.fixture
def place(tmp_path: Path, pool: TaskPool, experiments: ExperimentManager) -> Place:
    return Place(tmp_path, pool, experiments)


def test_touched_moved_and_copied_data_is_the_same(place: Place) -> None:
    market = place.write(bars())
    assert place.changes(market) == dict.fromkeys(TESTS, "new")
    assert place.run(market).done == frozenset()
    os.utime(place.folder / "bars.parquet", (0, 0))
    assert place.changes(open_market(market.uri)) == {}
    shutil.move(place.folder / "bars.parquet", place.folder / "moved.parquet")
    assert place.changes(open_market(f"parquet:{place.folder / 'moved.parquet'}")) == {}
    shutil.copytree(place.folder, place.folder / "copy")
    assert place.changes(open_market(f"parquet:{place.folder / 'copy' / 'moved.parquet'}")) == {}
    bars().to_csv(place.folder / "bars.csv", index=False)
    assert place.changes(open_market(f"csv:{place.folder / 'bars.csv'}")) == {}


def test_appended_days_change_no_window(place: Place) -> None:
    place.run(place.write(bars()))
    assert place.changes(place.write(bars(days=200))) == {}


@pytest.mark.parametrize(
    ("day", "changed"),
    [("2020-02-03", TESTS), ("2020-06-30", TESTS[1:]), ("2020-08-10", TESTS[2:]), ("2020-09-04", [])],
)
def test_a_mended_bar_changes_the_windows_that_see_it(place: Place, day: str, changed: list[str]) -> None:
    place.run(place.write(bars()))
    market = place.write(mended(bars(), day, "S003"))
    assert place.changes(market) == dict.fromkeys(changed, f"data from {day}, S003")
    stored = place.run(market)
    assert len(stored.done) == 3 - len(changed)
    assert list(stored.changes.values()) == [f"data from {day}, S003"] * len(changed)
    assert place.changes(market) == {}


def test_a_mended_bar_is_seen_although_size_and_time_of_the_file_are_as_before(place: Place) -> None:
    place.run(place.write(bars()))
    file = place.folder / "bars.parquet"
    before = file.stat()
    market = place.write(mended(bars(), "2020-02-03", "S003"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert list(place.changes(open_market(market.uri))) == TESTS


def test_a_sliding_window_does_not_see_what_lies_before_it(place: Place) -> None:
    place.run(place.write(bars()), type="sliding")
    market = place.write(mended(bars(), "2020-01-20", "S003"))
    assert list(place.changes(market, type="sliding")) == TESTS[:1]


@pytest.mark.parametrize("end", ["2020-09-03", "2020-09-05", "2030-01-01"])
def test_a_period_that_goes_on_longer_changes_no_earlier_window(place: Place, end: str) -> None:
    market = place.write(bars())
    keys = {}
    for until in ("2020-08-31", end):
        content = config().model_dump(mode="json", exclude_none=True)
        kwargs = content["task"]["dataset"]["kwargs"]
        kwargs["handler"]["kwargs"]["end_time"] = kwargs["segments"]["test"][1] = until
        keys[until] = [window.key for window in plan_windows(RunConfig.model_validate(content), market)]
    assert keys["2020-08-31"] == keys[end][:3]


def test_a_scaler_that_is_fitted_until_the_end_of_the_handler_sees_it(place: Place) -> None:
    market = place.write(bars())
    keys = set()
    for until in ("2020-09-03", "2020-09-04"):
        content = config(last="clip").model_dump(mode="json", exclude_none=True) | {"allow_leaks": ["fit"]}
        kwargs = content["task"]["dataset"]["kwargs"]["handler"]["kwargs"] | {"end_time": until}
        kwargs["learn_processors"] = [
            {"class": "RobustZScoreNorm", "kwargs": {"fit_start_time": "2020-01-15", "fit_end_time": None}}
        ]
        content["task"]["dataset"]["kwargs"]["handler"]["kwargs"] = kwargs
        keys.add(plan_windows(RunConfig.model_validate(content), market)[0].key)
    assert len(keys) == 2


def test_labels_that_a_scaler_is_fitted_on_are_seen(place: Place) -> None:
    content = config().model_dump(mode="json", exclude_none=True) | {"allow_leaks": ["fit"]}
    content["task"]["dataset"]["kwargs"]["handler"]["kwargs"]["learn_processors"] = [
        {"class": "DropnaLabel"},
        {
            "class": "ZScoreNorm",
            "kwargs": {"fit_start_time": "2020-01-15", "fit_end_time": TESTS[1], "fields_group": "feature"},
        },
    ]
    market = place.write(bars())
    days = market.calendar
    task = plan_windows(RunConfig.model_validate(content), market)[0].task
    view = data_view(task, build_handler(task), market)
    assert str(days[view.last]) == "2020-06-16"  # two days after the last one to fit on


def test_a_column_that_no_expression_uses_is_not_seen(place: Place) -> None:
    place.run(place.write(bars()))
    assert place.changes(place.write(bars().assign(open=1.0))) == {}


def test_data_that_is_back_to_what_it_was_needs_no_training(place: Place) -> None:
    place.run(place.write(bars()))
    place.run(place.write(mended(bars(), "2020-02-03", "S003")))
    assert place.changes(place.write(bars())) == {}


def test_labels_that_become_known_are_filled_in_without_training(place: Place) -> None:
    last = "2020-09-03"
    until = bars()[lambda table: table["date"] <= last]
    stored = place.run(place.write(until))
    labels = {market: label_of(place, stored, place.write(table), last) for market, table in [("cut", until)]}
    assert labels["cut"].isna().all()
    longer = place.write(bars())
    again = place.run(longer)
    assert len(again.done) == 3
    assert label_of(place, again, longer, last).notna().all()
    record = max(
        place.pool.find(), key=lambda record: record.definition["dataset"]["kwargs"]["segments"]["test"][0]
    )
    recorder = place.experiments.recorder(record.result["recorder_id"])
    metrics = recorder.metrics
    assert record.result["metrics"]["IC"] == metrics["IC"]
    assert len(recorder.load_table("sig_analysis").dropna()) == 30  # all days of the window
    assert record.attempts == 1


def test_windows_that_begin_on_the_same_day_do_not_take_each_others_place(place: Place) -> None:
    market = place.write(bars())
    task = plan_windows(config(), market)[0].task
    place.pool.submit([task, task.with_model_kwargs(alpha=0.2)])
    while record := place.pool.claim("here:1"):
        place.pool.complete(record, {"recorder_id": record.id})
    stored = Stored(parent=None, run="both", done=frozenset())
    message = r"windows \w{12} and \w{12} both begin on 2020-05-01; join those of each model apart"
    with pytest.raises(InputError, match=message):
        join_windows(place.pool.find(), stored, place.pool, place.experiments, market)


def label_of(place: Place, stored: Stored, market: Market, day: str) -> pd.Series[float]:
    """The joined labels of a day."""
    records = refresh_labels(place.pool.find(), stored.done, place.pool, place.experiments, market)
    joined = join_windows(records, stored, place.pool, place.experiments, market)
    return joined.label.xs(pd.Timestamp(day), level="datetime")


def test_a_worker_looks_again_at_data_that_has_grown_since_it_opened_it(place: Place) -> None:
    short = place.write(bars(days=100))
    place.trainer.markets.open(short.uri)
    place.run(place.write(bars()))  # with the trainer that has the short market open
    assert place.pool.counts()[TaskStatus.DONE] == 3


@pytest.mark.parametrize(
    ("table", "done"), [(bars(days=200), 3), (mended(bars(), "2020-02-03", "S003"), 0)], ids=["longer", "mended"]
)
def test_data_that_is_written_to_between_a_look_at_it_and_a_training(
    place: Place, table: pd.DataFrame, done: int
) -> None:
    address = place.write(bars()).uri
    market = place.trainer.markets.open(address)
    tasks = [window.task for window in plan_windows(config(), market, known=place.trainer.fingerprints)]
    store_windows(tasks, place.pool, place.experiments, place.experiment, market)
    place.write(table)
    Worker(pool=place.pool, train=place.trainer, owner="here").serve()
    counts = place.pool.counts()
    assert (counts[TaskStatus.DONE], counts[TaskStatus.WAITING]) == (done, 3 - done)


@pytest.mark.parametrize("table", [bars(days=130), mended(bars(), "2020-02-03", "S003")], ids=["short", "other"])
def test_a_worker_leaves_tasks_about_data_that_it_does_not_have(place: Place, table: pd.DataFrame) -> None:
    market = place.write(bars())
    tasks = [window.task for window in plan_windows(config(), market)]
    stored = store_windows(tasks, place.pool, place.experiments, place.experiment, market)
    place.write(table, "here.parquet")
    context = TrainingContext(experiment=place.experiment, parent=stored.parent, data=market.uri)
    elsewhere = TaskTrainer(
        experiments=place.experiments,
        experiment=place.pool.name,
        markets=Markets(f"parquet:{place.folder / 'here.parquet'}"),
        matrices=MatrixStore(place.folder / "matrices"),
    )
    with pytest.raises(NotRunnableHere, match=r"here\.parquet, which ends on 2020-.*differs from the data"):
        elsewhere.market_of(tasks[-1], context)
    assert place.trainer.market_of(tasks[-1], context).uri == market.uri


def test_what_a_task_sees(place: Place) -> None:
    market = place.write(bars())
    tasks = [window.task for window in plan_windows(config(), market)]
    days = market.calendar
    views = [data_view(task, build_handler(task), market) for task in tasks]
    assert views[0].fields == ("close", "volume")
    assert [str(days[view.start]) for view in views] == ["2020-01-15"] * 3
    assert [str(days[view.first]) for view in views] == [
        "2020-01-09"
    ] * 3  # four days before the first window, for Mean
    assert [str(days[view.last]) for view in views] == ["2020-06-11", "2020-07-23", "2020-09-03"]


@pytest.mark.parametrize("damage", ["missing", "empty", "cut off"])
def test_what_cannot_be_read_back_is_trained_again(place: Place, damage: str) -> None:
    market = place.write(bars())
    place.run(market)
    (record,) = place.pool.find({"definition.dataset.kwargs.segments.test.0": TESTS[1]})
    file = place.experiments.recorder(record.result["recorder_id"]).download("pred.parquet")
    match damage:
        case "missing":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
        case "cut off":
            file.write_bytes(file.read_bytes()[:-100])
    stored = place.run(market)
    assert list(stored.changes) == [record.id]
    assert "artifact 'pred.parquet'" in stored.changes[record.id]
    assert place.pool.get(record.id).attempts == 1  # a fresh start
    assert place.pool.get(record.id).result["recorder_id"] != record.result["recorder_id"]
    assert len(place.run(market).done) == 3


def test_a_signal_that_turns_out_to_be_damaged_is_trained_again_by_the_next_run(place: Place) -> None:
    market = place.write(bars())
    place.run(market)
    (record,) = place.pool.find({"definition.dataset.kwargs.segments.test.0": TESTS[1]})
    file = place.experiments.recorder(record.result["recorder_id"]).download("pred.parquet")
    stored = place.run(market)
    content = bytearray(file.read_bytes())
    content[40:60] = bytes(20)  # a page that was never written
    file.write_bytes(content)
    joined = join_windows(place.pool.find(), stored, place.pool, place.experiments, market)
    assert [window.status for window in joined.windows] == ["done", "waiting", "done"]
    assert "cannot be read" in str(joined.windows[1].error)
    assert joined.gaps == ("2020-06-12..2020-07-23",)
    assert place.pool.get(record.id).status is TaskStatus.WAITING
