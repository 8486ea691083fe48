"""Models: what learns from a dataset and scores it."""

from components.models.catboost import CatBoostModel
from components.models.description import build_model, model_class, model_config
from components.models.double_ensemble import DEnsembleModel
from components.models.lightgbm import LGBModel
from components.models.linear import LinearModel
from components.models.model import Fit, FitContext, Model, ModelContractError, NotFitted
from components.models.reweighter import Reweighter
from components.models.saved import MODEL_FOLDER, Manifest, SavedModelBroken, load_model, save_model
from components.models.scikit import SklearnModel
from components.models.xgboost import XGBModel

__all__ = [
    "MODEL_FOLDER",
    "CatBoostModel",
    "DEnsembleModel",
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
    "SklearnModel",
    "XGBModel",
    "build_model",
    "load_model",
    "model_class",
    "model_config",
    "save_model",
]
