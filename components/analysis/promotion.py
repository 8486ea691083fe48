"""Whether one model ranks better than another, judged on the same days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from components.analysis.mean_test import Mean, chance_of_more, hac_mean


@dataclass(frozen=True)
class PairedDifference:
    """Daily ICs of two models on the days that both have, and their difference."""

    champion: float
    challenger: float
    #: Challenger less champion.
    difference: Mean
    #: How likely at least such a difference is if the models are equally good, one-sided; 1 if it is not above 0.
    chance: float


def paired_difference(champion: pd.Series[Any], challenger: pd.Series[Any], days: int) -> PairedDifference:
    """Compare daily ICs on the last `days` days that both have, with the HAC error of their daily differences.

    Most of what moves an IC from day to day moves that of both models. It cancels in the differences, so that far
    fewer days are needed than with two separate means (Diebold and Mariano, "Comparing Predictive Accuracy",
    Journal of Business & Economic Statistics 13, 1995).

    Args:
        champion: One IC a day, indexed by day; NaN are left out.
        challenger: The same.
        days: Days that count at most.

    """
    both = (
        pd.concat([champion.rename(0), challenger.rename(1)], axis=1, join="inner")
        .dropna()
        .sort_index()
        .iloc[-days:]
    )
    difference = hac_mean((both[1] - both[0]).to_numpy())
    means = both.mean()
    return PairedDifference(float(means[0]), float(means[1]), difference, chance_of_more(difference))
