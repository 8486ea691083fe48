"""When a challenger takes over from the champion."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.analysis.mean_test import chance_of_more, hac_mean
from components.analysis.promotion import paired_difference
from components.config.online.promotion import PromotionSection
from components.serving.promotion import Verdict, judge

RULE = PromotionSection(rule="ic")


def daily(values: list[float] | np.ndarray, first: str = "2020-01-01") -> pd.Series:
    return pd.Series(values, pd.date_range(first, periods=len(values)), dtype=float)


def test_the_error_of_a_mean_of_independent_days_is_the_usual_one() -> None:
    mean = hac_mean([1.0, 2.0, 3.0, 4.0], lag=0)
    assert (mean.value, mean.days) == (2.5, 4)
    assert mean.error == pytest.approx(math.sqrt(5 / 3 / 4))  # variance 5/3


def test_covariances_of_neighbours_count_half_with_a_lag_of_one() -> None:
    # around the mean: -1.5, -0.5, 0.5, 1.5; squares 5, products of neighbours 0.75 - 0.25 + 0.75 = 1.25,
    # so 5 + 2 * 1/2 * 1.25 = 6.25, over n (n - 1) = 12
    assert hac_mean([1.0, 2.0, 3.0, 4.0], lag=1).error == pytest.approx(math.sqrt(6.25 / 12))
    # 4 (4/100)^(2/9) = 1.96
    assert hac_mean([1.0, math.nan, 2.0, 3.0, 4.0]).error == pytest.approx(math.sqrt(6.25 / 12))


def test_means_of_too_few_days_prove_nothing() -> None:
    assert hac_mean([]).days == 0
    assert hac_mean([0.3]).error == math.inf
    assert [chance_of_more(hac_mean(values)) for values in ([], [0.3], [0.0, 0.0], [-1.0, -2.0])] == [1, 1, 1, 1]
    assert chance_of_more(hac_mean([0.1, 0.1])) == 0


def test_the_chance_is_that_of_students_t() -> None:
    # t = 1 with one degree of freedom, that of Cauchy's distribution: a quarter lies above
    assert chance_of_more(hac_mean([0.0, 2.0], lag=0)) == pytest.approx(0.25)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=80), st.integers(0, 20))
def test_the_error_does_not_depend_on_level_or_direction(values: list[float], lag: int) -> None:
    error = hac_mean(values, lag).error
    assert error >= 0
    assert hac_mean([3 - value for value in reversed(values)], lag).error == pytest.approx(error, abs=1e-7)


def test_only_days_that_both_have_count_and_the_last_ones() -> None:
    champion = daily([0.9, 0.1, math.nan, 0.2, 0.3])
    challenger = daily([0.1, 0.5, 0.5, 0.6], "2020-01-02")
    found = paired_difference(champion, challenger, 2)
    assert (found.difference.days, found.champion, found.challenger) == (2, 0.25, 0.55)
    assert found.difference.value == pytest.approx(0.3)
    assert paired_difference(champion, challenger, 60).difference.days == 3


def test_qlibs_rule_and_the_one_by_hand_do_not_look() -> None:
    nothing = daily([])
    newest = judge(PromotionSection(), nothing, nothing)
    assert newest == Verdict(True, "the newest model is always promoted")
    assert not judge(PromotionSection(rule="never"), daily([0.0] * 60), daily([0.5] * 60)).promote


def test_a_better_challenger_takes_over_and_a_worse_one_never() -> None:
    rng = np.random.default_rng(0)
    common, own = rng.normal(0.05, 0.12, 60), rng.normal(0, 0.03, 60)
    champion, better, worse = daily(common), daily(common + 0.02 + own), daily(common - 0.02 + own)
    verdict = judge(RULE, champion, better)
    assert verdict.promote
    assert "\n" not in verdict.why
    assert verdict.evidence["days"] == 60
    assert verdict.evidence["chance"] < 0.01
    assert json.loads(json.dumps(verdict.to_document())) == verdict.to_document()
    assert Verdict.from_document(verdict.to_document()) == verdict
    assert not judge(RULE, champion, worse).promote
    assert not judge(RULE, better, champion).promote
    # what moves both hides the difference from two separate means: apart, the errors are far larger than it
    assert 2 * hac_mean(common).error > 0.02


def test_an_equal_model_does_not_take_over() -> None:
    assert not judge(RULE, daily([0.1, 0.2] * 30), daily([0.1, 0.2] * 30)).promote


@pytest.mark.parametrize(("days", "promote"), [(19, False), (20, True)])
def test_there_is_a_least_number_of_days(days: int, promote: bool) -> None:
    verdict = judge(RULE, daily([0.0] * days), daily([0.1] * days))
    assert verdict.promote == promote
    assert promote or verdict.why == "19 of 20 days with labels of both"
    none = judge(RULE, daily([]), daily([]))
    assert (none.promote, none.why) == (False, "0 of 20 days with labels of both")
    json.dumps(none.to_document(), allow_nan=False)


@pytest.mark.parametrize(
    "wrong", [{"rule": "best"}, {"days": 1}, {"least": 0}, {"confidence": 1.0}, {"confidence": 0.4}, {"day": 60}]
)
def test_wrong_settings(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PromotionSection.model_validate(wrong)


def test_least_days_beyond_the_days_that_count_can_never_be_met() -> None:
    with pytest.raises(ValidationError, match="least 61 is more than days 60"):
        PromotionSection(least=61)
