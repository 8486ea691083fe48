"""What a run keeps, written and read back by its id, on a SQLite file and on a real MLflow server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import InputError
from components.formats.objects import save_json
from components.formats.tables import read_table, save_table
from components.tracking import ArtifactMissing, ExperimentManager, Recorder, RunMissing, RunStatus, open_store

INDEX = pd.MultiIndex.from_tuples([(pd.Timestamp("2020-01-02"), "A")], names=["datetime", "instrument"])
SCORES = pd.DataFrame({"score": [0.25]}, index=INDEX)


@pytest.fixture(scope="module", params=["sqlite", "server"])
def experiments(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ExperimentManager:
    if request.param == "server":
        return ExperimentManager(request.getfixturevalue("mlflow_url"))
    return open_store(None, tmp_path_factory.mktemp("store"))


@pytest.fixture
def recorder(experiments: ExperimentManager, request: pytest.FixtureRequest) -> Recorder:
    return experiments.start(experiments.get_or_create("recorder"), request.node.name, tags={"colour": "blue"})


def test_what_is_logged_is_read_back_by_id(experiments: ExperimentManager, recorder: Recorder) -> None:
    recorder.log_params({"model": {"kwargs": {"num_leaves": 31, "none": None, "empty": ""}}})
    recorder.log_metrics({"IC": 0.05, "l2@valid": 1.5})
    recorder.end()
    run = experiments.run(recorder.id)
    assert run.name.startswith("test_what_is_logged")
    assert (run.status, run.tags["colour"], run.parent) == (RunStatus.FINISHED, "blue", None)
    assert run.params == {"model.kwargs.num_leaves": "31", "model.kwargs.none": "None", "model.kwargs.empty": ""}
    assert run.metrics == {"IC": 0.05, "l2_valid": 1.5}
    assert run.started_at is not None
    assert run.ended_at is not None
    assert run.started_at <= run.ended_at
    read = experiments.recorder(recorder.id)
    assert (read.params, read.metrics) == (run.params, run.metrics)
    assert read.list_artifacts() == []  # nothing had to be kept whole


def test_parameters_too_long_for_mlflow_are_kept_whole(experiments: ExperimentManager, recorder: Recorder) -> None:
    params = {"seed": 1, "features": "x" * 20_000, "n" * 300 + "a": "1", "n" * 300 + "b": "2", "a@b": "c"}
    recorder.log_params(params)
    recorder.log_params({"later": "y" * 6001, "fits": "z" * 6000})
    read = experiments.recorder(recorder.id)
    whole = {name: str(value) for name, value in params.items()}
    assert read.params == whole | {"later": "y" * 6001, "fits": "z" * 6000}
    shown = experiments.run(recorder.id).params
    assert len(shown) == 7
    assert shown["features"] == "x" * 5997 + "..."
    assert shown["a_b"] == "c"


def test_series_keep_their_steps(recorder: Recorder) -> None:
    curve = [1 / step for step in range(1, 1501)]  # more than MLflow takes at once
    evaluated = pd.Series([0.5, 0.4, float("nan")], index=[0, 50, 100])
    recorder.log(series={"l2.train": curve, "auc@valid": evaluated}, first_step=1)
    trained = recorder.load_series("l2.train")
    assert (list(trained), trained.index[0], trained.index[-1]) == (curve, 1, 1500)
    history = recorder.load_series("auc@valid")
    assert list(history.index) == [0, 50, 100]
    np.testing.assert_array_equal(history, [0.5, 0.4, np.nan])
    assert recorder.load_series("never").empty


def test_tags_are_set_and_taken_away(recorder: Recorder) -> None:
    recorder.set_tags({"colour": "red", "stage": 2})
    assert (recorder.tags["colour"], recorder.tags["stage"]) == ("red", "2")
    recorder.delete_tags(["colour", "never"])
    assert "colour" not in recorder.tags


def test_objects_are_kept_in_open_formats(
    experiments: ExperimentManager, recorder: Recorder, tmp_path: Path
) -> None:
    recorder.save_object("pred.parquet", SCORES["score"])
    recorder.save_object("tables/daily.parquet", pd.DataFrame({"ic": [0.1]}, index=pd.Index([2], name="day")))
    recorder.save_object("tables/plain.parquet", pd.DataFrame({"a": [1, 2]}))
    recorder.save_object("task.json", {"a": [1, "ü"]})
    read = experiments.recorder(recorder.id)
    pd.testing.assert_frame_equal(read.load_table("pred"), SCORES, check_index_type=False)
    pd.testing.assert_frame_equal(read.load_object("pred.parquet"), read.load_table("pred"))
    assert read.load_object("tables/daily.parquet").to_dict("list") == {"day": [2], "ic": [0.1]}
    assert read.load_object("tables/plain.parquet").to_dict("list") == {"a": [1, 2]}
    assert read.load_json("task") == read.load_object("task.json") == {"a": [1, "ü"]}
    assert sorted(read.list_artifacts()) == ["pred.parquet", "tables/", "task.json"]
    assert sorted(read.list_artifacts("tables")) == ["tables/daily.parquet", "tables/plain.parquet"]

    file = read.download("tables/daily.parquet", tmp_path / "copy")
    assert file == tmp_path / "copy" / "tables" / "daily.parquet"
    assert pd.read_parquet(file)["ic"].tolist() == [0.1]
    folder = read.download("tables", tmp_path / "folder")
    assert sorted(path.name for path in folder.iterdir()) == ["daily.parquet", "plain.parquet"]
    assert (read.download("", tmp_path / "all") / "task.json").exists()


def test_what_is_not_there_is_named(experiments: ExperimentManager, recorder: Recorder) -> None:
    with pytest.raises(ArtifactMissing, match=f"run {recorder.id} has no artifact 'label.parquet'"):
        recorder.load_table("label")
    nobody = experiments.recorder("0" * 32)
    for look in (lambda: nobody.load_table("pred"), lambda: nobody.status, lambda: nobody.params, nobody.summary):
        with pytest.raises(RunMissing, match="there is no run '00000000000000000000000000000000'"):
            look()


def test_a_pickle_is_only_written_and_read_by_name(recorder: Recorder) -> None:
    with pytest.raises(InputError, match=r"set is not JSON serializable; .* pickle=True"):
        recorder.save_object("odd.json", {1, 2})
    for name, value in (("odd", {1, 2}), ("odd.pkl", {1, 2})):
        with pytest.raises(InputError, match=r"known formats are \.parquet"):
            recorder.save_object(name, value)
    with pytest.raises(InputError, match="a set is no table"):
        recorder.save_object("odd.parquet", {1, 2})
    assert recorder.list_artifacts() == []
    recorder.save_object("odd.pkl", {1, 2}, pickle=True)
    with pytest.raises(InputError, match=r"odd\.pkl is a pickle: .* name pickle=True to trust it"):
        recorder.load_object("odd.pkl")
    assert recorder.load_object("odd.pkl", pickle=True) == {1, 2}


def test_a_run_ends_as_its_block_does(experiments: ExperimentManager) -> None:
    experiment = experiments.get_or_create("endings")
    well, failed, killed = (experiments.start(experiment, name) for name in ("well", "failed", "killed"))
    with well.closing():
        assert well.status is RunStatus.RUNNING
    with pytest.raises(ValueError, match="too bad"), failed.closing():
        raise ValueError("too bad")
    with pytest.raises(KeyboardInterrupt), killed.closing():
        raise KeyboardInterrupt
    assert (well.status, failed.status, killed.status) == (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)
    assert failed.tags["error"] == "ValueError: too bad"


def test_the_error_of_a_failed_run_holds_no_password(recorder: Recorder) -> None:
    with pytest.raises(OSError, match="refused"), recorder.closing():
        raise OSError("http://me:geheim@host:5000/api refused")
    assert recorder.tags["error"] == "OSError: http://me:***@host:5000/api refused"


def test_artifacts_of_a_block_that_fails_are_not_kept(recorder: Recorder) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"), recorder.artifacts() as folder:
        [save_json(value, folder / f"{place}.json") for place, value in enumerate([1, object()])]
    assert recorder.list_artifacts() == []


def test_reads_a_table_as_pandas_would(tmp_path: Path) -> None:
    days = pd.to_datetime(["2020-01-03", "2020-01-02", "2020-01-06"])
    index = pd.MultiIndex.from_product([days, ["b", "a"]], names=["datetime", "instrument"])
    scores = pd.DataFrame({"score": [1.0, 2, 3, 4, 5, 6], "windows": "w"}, index=index)
    scores.reset_index().to_parquet(tmp_path / "pred.parquet", row_group_size=4)  # several dictionaries
    pd.testing.assert_frame_equal(read_table(tmp_path / "pred.parquet"), scores)
    nameless = scores.reset_index()
    nameless.loc[2, "instrument"] = None
    nameless.to_parquet(tmp_path / "nameless.parquet")
    unknown = read_table(tmp_path / "nameless.parquet").index.get_level_values("instrument").isna()
    assert unknown.tolist() == [False, False, True, False, False, False]
    scores[:0].reset_index().to_parquet(tmp_path / "empty.parquet")
    assert read_table(tmp_path / "empty.parquet").index.names == ["datetime", "instrument"]
    daily = scores[::2].droplevel("instrument")
    daily.reset_index().to_parquet(tmp_path / "daily.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "daily.parquet"), daily)
    scores.reset_index(drop=True).to_parquet(tmp_path / "plain.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "plain.parquet"), scores.reset_index(drop=True))


def test_a_table_is_plain_for_every_reader(tmp_path: Path) -> None:
    days = pd.to_datetime(["2020-01-02", "2020-01-02", "2020-01-03"])
    index = pd.MultiIndex.from_arrays([days, ["B", None, "A"]], names=["datetime", "instrument"])
    scores = pd.DataFrame({"score": [0.25, np.nan, 1.0]}, index=index)[1:]  # levels keep what is no longer used
    save_table(scores, tmp_path / "pred.parquet")
    plain = pq.read_table(tmp_path / "pred.parquet", read_dictionary=[])
    assert plain.schema.field("instrument").type == pa.string()
    assert plain.to_pylist() == [
        {"datetime": pd.Timestamp("2020-01-02"), "instrument": None, "score": None},
        {"datetime": pd.Timestamp("2020-01-03"), "instrument": "A", "score": 1.0},
    ]
    assert str(pd.read_parquet(tmp_path / "pred.parquet").dtypes["instrument"]) == "str"
