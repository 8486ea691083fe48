"""The engine on rows of every shape, and how it plans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_market import SmallMarket, compute

from components.errors import InputError
from components.features.engine import evaluate
from components.features.parser import parse
from components.features.plan import make_plan
from components.features.rows import RowIndex

NAN, INF = np.nan, np.inf


def test_infinite_values_are_missing_in_windows() -> None:
    x = [1, INF, 3, -INF, 5]
    np.testing.assert_array_equal(compute("Sum($x, 2)", x=x), [1, 1, 3, 3, 5])
    np.testing.assert_array_equal(compute("Max($x, 2)", x=x), [1, 1, 3, 3, 5])
    np.testing.assert_array_equal(compute("Count($x, 2)", x=x), [1, 2, 2, 2, 2])
    np.testing.assert_allclose(compute("Slope($x, 3)", x=x), [NAN, NAN, 1, NAN, 1])


def test_nothing_lingers_after_it_has_left_the_window() -> None:
    x = [1e7, 3e7, 2e7, 0.1, 0.1, 0.1, 0.1]
    assert compute("Sum($x, 2)", x=[1e20, 1, 1])[2] == 2
    assert np.isnan(compute("Corr($x, $y, 3)", x=x, y=[1, 2, 3, 4, 5, 6, 7])[5:]).all()


def test_elementwise_operators_keep_float32() -> None:
    big = np.float32(16_777_216)  # the last whole number before float32 has gaps
    assert compute("$x + 1 - $x", x=[big])[0] == 0
    assert compute("Sum($x, 1) + 1 - $x", x=[big])[0] == 1


MARKET = SmallMarket(
    {
        "A": (0, {"x": [1, 2, 3, 4, 5, 6], "y": [1, 1, 1, 1, 1, 1]}),
        "B": (2, {"x": [10, 20, 30, 40], "y": [1, 2, 3, 4]}),
        "C": (1, {"x": [7, NAN, 9], "y": [NAN, NAN, NAN]}),
    }
)


def test_windows_reach_before_the_rows_and_series_start_with_the_data() -> None:
    rows = RowIndex.of(MARKET, MARKET.membership("all"), 3, 4)
    assert rows.to_index().tolist() == [
        (pd.Timestamp("2020-01-04"), "A"),
        (pd.Timestamp("2020-01-04"), "B"),
        (pd.Timestamp("2020-01-04"), "C"),
        (pd.Timestamp("2020-01-05"), "A"),
        (pd.Timestamp("2020-01-05"), "B"),
    ]
    out = np.empty((5, 3), np.float32)
    evaluate([parse("Sum($x, 3)"), parse("Ref($x, -1)"), parse("Sum($x, 0)")], MARKET, rows, out, start=0)
    np.testing.assert_array_equal(out, [[9, 5, 10], [30, 30, 30], [16, NAN, 16], [12, 6, 15], [60, 40, 60]])


def test_rows_may_have_any_order_and_gaps(tmp_path: Path) -> None:
    expressions = [parse(text) for text in ("Mean($x, 2)", "Ref(Ref($x, -1), 1)", "$y")]
    rows = RowIndex.of(MARKET, MARKET.membership("all"), 0, 5)
    whole = np.empty((len(rows), 3), np.float32)
    evaluate(expressions, MARKET, rows, whole, start=0)
    order = np.array([11, 0, 7, 3, 12])
    mapped = np.memmap(tmp_path / "matrix", np.float32, "w+", shape=(5, 3))
    evaluate(expressions, MARKET, rows.take(order), mapped, start=0, threads=1)
    np.testing.assert_array_equal(mapped, whole[order])


@settings(max_examples=20, deadline=None)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_many_blocks_and_threads_give_what_one_series_gives(data: st.DataObject, seed: int) -> None:
    random = np.random.default_rng(seed)
    bars = {
        f"I{number:02}": (int(random.integers(0, 50)), {"x": random.normal(size=700).tolist()})
        for number in range(30)
    }
    market = SmallMarket(bars)
    rows = RowIndex.of(market, market.membership("all"), 0, len(market.calendar) - 1)
    picked = np.sort(random.choice(len(rows), data.draw(st.integers(1, 300)), replace=False))
    out = np.empty((len(picked), 2), np.float32)
    evaluate(
        [parse("Std($x, 9)/Ref($x, 2)"), parse("Ref($x, -3)")], market, rows.take(picked), out, start=0, threads=3
    )
    for code in data.draw(st.lists(st.sampled_from(sorted(bars)), min_size=1, max_size=3)):
        first, fields = bars[code]
        mine = rows.instrument[picked] == market.instruments.index(code)
        day = rows.day[picked][mine] - first
        series = pd.Series(fields["x"], dtype=np.float32)
        np.testing.assert_allclose(
            out[mine, 0], (series.rolling(9, min_periods=1).std() / series.shift(2))[day], rtol=1e-4
        )
        np.testing.assert_allclose(out[mine, 1], series.shift(-3)[day])


def test_common_parts_are_computed_once() -> None:
    texts = ["Mean($x, 5)/$x", "Std($x, 5)/Mean($x, 5)", "Mean($x, 9)", "Quantile($x, 5, 0.2) + Rank($x, 9)"]
    plan = make_plan([parse(text) for text in texts])
    # means, deviation, quantile and rank, two divisions, one addition
    assert len(plan.steps) == 6
    assert plan.fields == {"x": 0}


def test_a_number_is_never_taken_for_a_part() -> None:
    market = SmallMarket({"A": (0, {"x": [1, 2], "y": [30, 40], "z": [500, 600]})})
    rows = RowIndex.of(market, market.membership("all"), 0, 1)
    out = np.empty((2, 4), np.float32)
    evaluate([parse(text) for text in ("$x + $y", "$x + 1", "$x + 2", "$x + $z")], market, rows, out, start=0)
    assert out.tolist() == [[31, 2, 3, 501], [42, 3, 4, 602]]


def test_values_are_released_after_their_last_use() -> None:
    plan = make_plan([parse("Mean($x, 5)/$x"), parse("$y")])
    released = [place for step in plan.steps for place in step.released]
    assert sorted(released) == sorted({place for step in plan.steps for place in (*step.inputs, *step.outputs)})


def test_fields_that_data_may_lack_are_nan() -> None:
    assert np.isnan(compute("Mean($vwap, 3)/$x", x=[1, 2])).all()
    with pytest.raises(InputError, match=r"no field \$price1 in small:; did you mean 'price2'\?"):
        compute("$price1", price2=[1, 2])


def test_an_output_of_the_wrong_form_is_refused() -> None:
    rows = RowIndex.of(MARKET, MARKET.membership("all"), 0, 5)
    with pytest.raises(ValueError, match="out must be float32"):
        evaluate([parse("$x")], MARKET, rows, np.empty((len(rows), 2), np.float32), start=0)
    with pytest.raises(ValueError, match="more than one row"):
        evaluate([parse("$x")], MARKET, rows.take(np.array([0, 0])), np.empty((2, 1), np.float32), start=0)


def test_no_row_is_an_error() -> None:
    with pytest.raises(InputError, match="no instrument of the universe has data from 2020-01-06 to 2020-01-06"):
        RowIndex.of(MARKET, MARKET.membership(["C"]), 5, 5)
