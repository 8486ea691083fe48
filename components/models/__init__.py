"""Models: what learns from a dataset and scores it."""

from components.models.lightgbm import LGBModel
from components.models.linear import LinearModel
from components.models.model import Fit, FitContext, Model, ModelContractError, NotFitted
from components.models.reweighter import Reweighter
from components.models.saved import MODEL_FOLDER, Manifest, SavedModelBroken, load_model, save_model

__all__ = [
    "MODEL_FOLDER",
    "Fit",
    "FitContext",
    "LGBModel",
    "LinearModel",
    "Manifest",
    "Model",
    "ModelContractError",
    "NotFitted",
    "Reweighter",
    "SavedModelBroken",
    "load_model",
    "save_model",
]
