"""Models: what learns from a dataset and scores it."""

from components.models.lightgbm import LGBModel
from components.models.linear import LinearModel
from components.models.model import Fit, Model, NotFitted

__all__ = ["Fit", "LGBModel", "LinearModel", "Model", "NotFitted"]
