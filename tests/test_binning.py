"""The bins of a training are LightGBM's own, bit by bit, whatever the features look like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pytest

from components.models import binning
from components.models.binning import binned

ROWS = 20_000


def features() -> dict[str, npt.NDArray[Any]]:
    """Columns that LightGBM treats in different ways."""
    rng = np.random.default_rng(7)
    dense = rng.normal(size=ROWS)
    return {
        "dense": dense,
        "some missing": np.where(rng.random(ROWS) < 0.1, np.nan, dense),
        "mostly missing": np.where(rng.random(ROWS) < 0.9, np.nan, dense),
        "some zero": np.where(rng.random(ROWS) < 0.1, 0, dense),
        "zero, missing or not": np.choose(rng.integers(0, 3, ROWS), [np.full(ROWS, np.nan), np.zeros(ROWS), dense]),
        # Columns that are rarely other than zero, and never two at once, share a bin column.
        **{
            f"bundled {place}": np.where(np.arange(ROWS) % 8 == place, rng.integers(1, 9, ROWS), 0)
            for place in range(8)
        },
        "mostly three": np.where(rng.random(ROWS) < 0.1, rng.normal(size=ROWS), 3),
        "three or missing": np.where(rng.random(ROWS) < 0.1, np.nan, 3),
        "constant": np.ones(ROWS),
        "zero": np.zeros(ROWS),
        "missing": np.full(ROWS, np.nan),
        "too small": rng.choice([-1e-36, 1e-36, 2e-35], ROWS),
        "infinite": np.where(rng.random(ROWS) < 0.1, np.inf, dense),
        "whole": rng.integers(-3, 4, ROWS),
    }


def parts(folder: Path) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Features and labels to train and to validate on, the features parts of a mapped file."""
    X = np.stack(list(features().values()), axis=1).astype(np.float32)
    np.save(folder / "X.npy", X)
    mapped = np.load(folder / "X.npy", mmap_mode="r")
    y = np.nan_to_num(X[:, 0] + X[:, 2]) + X[:, 5]
    for rows in (slice(100, 15_000), slice(15_000, ROWS)):
        yield mapped[rows], y[rows]


@pytest.mark.parametrize("sampling", ["ours", "LightGBM's"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"bin_construct_sample_cnt": 2_000},
        {"bin_construct_sample_cnt": 2_000, "data_random_seed": 9, "max_bin": 15},
        {"zero_as_missing": True},
        {"use_missing": False, "enable_bundle": False},
        {"linear_tree": True},
    ],
    ids=str,
)
def test_bins_are_lightgbm_s(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    params: dict[str, Any],
    sampling: str,
) -> None:
    binning._say_that_it_samples_itself.cache_clear()
    if sampling != "ours":
        monkeypatch.delattr(binning._Dataset, "_Dataset__sample")
    params = params | {"verbosity": -1, "num_threads": 2}
    given = list(parts(tmp_path))
    bare: list[lgb.Dataset] = []
    for X, y in given:
        same_bins = bare[0] if bare else None
        bare.append(lgb.Dataset(np.array(X), label=y, params=params, reference=same_bins).construct())
    for ours, theirs in zip(binned(given, params), bare, strict=True):
        assert ours.num_data() == theirs.num_data()
        assert bytes_of(ours, tmp_path / "ours") == bytes_of(theirs, tmp_path / "theirs")
    assert bare[0].num_data() == 14_900
    slower = f"LightGBM {lgb.__version__} takes the sample for its bins in its own way, which is slower than ours"
    # Others' threads may say something meanwhile.
    said = [record.getMessage() for record in caplog.records if record.name == "components.models.binning"]
    assert said == ([] if sampling == "ours" else [f"{slower} for 4.7"])


def test_lightgbm_lets_us_take_its_sample() -> None:
    assert hasattr(lgb.Dataset, "_Dataset__sample")


def bytes_of(dataset: lgb.Dataset, file: Path) -> bytes:
    """All that LightGBM has of a dataset: bounds of bins, bundles, the bins of all rows."""
    file.unlink(missing_ok=True)
    dataset.save_binary(file)
    return file.read_bytes()
