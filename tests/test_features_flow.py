"""`python -m flows.features` as a user runs it: a process with a home folder of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from commands import Desk, desk

from components.data import open_market
from components.errors import InputError
from components.features import Alpha158
from components.features.export import export_raw

DEMO = "demo:?instruments=12&years=2"


@pytest.fixture
def here(tmp_path: Path, prefect_url: str) -> Desk:
    return desk(tmp_path, PREFECT_API_URL=prefect_url)


def config_of(folder: Path, **handler: Any) -> Path:
    """A config with the Alpha158 features."""
    dataset = {
        "class": "DatasetH",
        "kwargs": {
            "handler": {"class": "Alpha158", "module_path": "qlib.contrib.data.handler", "kwargs": handler},
            "segments": {"train": ["2010-01-04", "2010-04-30"], "test": ["2010-05-04", None]},
        },
    }
    task = {"model": {"class": "LGBModel", "module_path": "qlib.contrib.model.gbdt"}, "dataset": dataset}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"task": task}), "utf-8")
    return path


def indexed(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path).set_index(["datetime", "instrument"])


def test_exports_raw_values_and_keeps_the_matrix(here: Desk, tmp_path: Path) -> None:
    # a processor changes what a model sees, but not what is exported
    scaled = [{"class": "CSZScoreNorm", "kwargs": {"fields_group": "feature"}}]
    config = config_of(tmp_path, instruments="all", start_time="2016-01-04", infer_processors=scaled)
    out = tmp_path / "raw.parquet"
    first = here.run("flows.features", config, "--data", DEMO, "--out", out)
    assert first.status == 0
    (watch,) = first.err.splitlines()
    assert watch.startswith("watch  http://")
    assert "158 features, 1 label\n" in first.out
    assert "(built in " in first.out
    handler = Alpha158(instruments="all", start_time="2016-01-04")
    pd.testing.assert_frame_equal(indexed(out), handler.raw(open_market(DEMO)), check_index_type=False)
    schema = pq.read_schema(out)
    assert schema.names[:3] == ["datetime", "instrument", "KMID"]
    assert schema.names[-1] == "LABEL0"
    assert str(schema.field("datetime").type).startswith("timestamp")
    assert schema.field("datetime").type.tz is None
    assert {str(schema.field(name).type) for name in schema.names[2:]} == {"float"}
    assert pq.ParquetFile(out).metadata.row_group(0).column(2).compression == "ZSTD"
    # the command again, without --out: the matrix is there
    second = here.run("flows.features", config, "--data", DEMO)
    assert second.status == 0
    assert "(reused in " in second.out
    assert "raw values" not in second.out
    (matrix,) = (Path(line.split()[1]) for line in second.out.splitlines() if line.split()[0] == "matrix")
    assert matrix.parent == tmp_path / "rollflow" / "features"
    assert list(matrix.glob("*/matrix.json"))


def test_help_is_quick() -> None:
    start = time.perf_counter()
    shown = subprocess.run(
        [sys.executable, "-m", "flows.features", "--help"], capture_output=True, text=True, check=True
    )
    assert "--out FILE.parquet" in shown.stdout
    assert time.perf_counter() - start < 1.5


def test_wrong_input_is_one_line_before_anything_starts(tmp_path: Path) -> None:
    here = desk(tmp_path)  # no Prefect server: none is needed
    config = config_of(tmp_path, instruments="allx")
    for arguments, message in (
        (["--data", "demo"], "unknown market 'demo'"),
        (["--data", DEMO], "no universe 'allx' in demo:"),
        (["--data", DEMO, "--out", str(tmp_path)], "is a folder; give the name of a file"),
    ):
        done = here.run("flows.features", config, *arguments)
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1
        assert message in done.err
    assert not (tmp_path / "rollflow").exists()


def test_a_file_that_cannot_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "raw.parquet"
    out.write_text("old")
    with pytest.raises(InputError, match=r"the folder .*/missing does not exist"):
        export_raw(Alpha158(instruments="all"), open_market(DEMO), tmp_path / "missing" / "raw.parquet")
    with pytest.raises(InputError, match=r"cannot be written \(.*File name too long"):
        export_raw(Alpha158(instruments="all"), open_market(DEMO), tmp_path / ("x" * 250))
    assert [path.name for path in tmp_path.iterdir()] == ["raw.parquet"]
    assert out.read_text() == "old"


def test_many_row_groups_are_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.features.export._ROWS_A_GROUP", 100)
    market, handler = open_market(DEMO), Alpha158(instruments="all", start_time="2016-06-01")
    rows = export_raw(handler, market, tmp_path / "raw.parquet")
    assert rows == len(handler.rows(market)) > 1000
    assert pq.ParquetFile(tmp_path / "raw.parquet").num_row_groups == -(-rows // 100)
    pd.testing.assert_frame_equal(indexed(tmp_path / "raw.parquet"), handler.raw(market), check_index_type=False)


@pytest.mark.shared
def test_gives_qlibs_features(shared: Path, here: Desk, tmp_path: Path) -> None:
    """The tolerance is that of the goldens' manifest, relative to a value or its column's spread."""
    golden = pd.read_parquet(shared / "goldens" / "alpha158.parquet").set_index(["datetime", "instrument"])
    golden = golden[golden.index.get_level_values("datetime") < "2011"]
    days = golden.index.get_level_values("datetime")
    config = config_of(
        tmp_path,
        instruments="csi300",
        start_time=str(days.min().date()),
        end_time=str(days.max().date()),
    )
    out = tmp_path / "raw.parquet"
    data = f"qlib:{shared / 'data' / 'cn_csi300'}"
    done = here.run("flows.features", config, "--data", data, "--out", out)
    assert done.status == 0, done.err
    found = indexed(out)
    assert found.index.is_unique
    assert len(found) > 20_000  # 300 names on 86 days
    common = golden.index.intersection(found.index)
    assert len(common) > 500
    assert list(found.columns) == list(golden.columns)
    ours, theirs = found.loc[common], golden.loc[common]
    for column in found.columns:
        a, b = ours[column].to_numpy(np.float64), theirs[column].to_numpy(np.float64)
        assert (np.isnan(a) == np.isnan(b)).all(), column
        known = ~np.isnan(b)
        if column.startswith("WVMA") or not known.any():
            continue
        scale = np.maximum(np.abs(b[known]), np.subtract(*np.percentile(b[known], [75, 25])) / 1.349)
        limit = 1e-3 if column.startswith("COR") else 1e-4
        assert np.mean(np.abs(a - b)[known] <= limit * scale) >= 0.999, column
