"""Objects from their descriptions, and nothing from modules that are not trusted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from components.build import build
from components.errors import InputError
from components.models import LGBModel


def lgb(**kwargs: object) -> dict[str, object]:
    return {"class": "LGBModel", "module_path": "qlib.contrib.model.gbdt", "kwargs": kwargs}


def test_qlibs_module_path_means_our_class_of_the_same_name() -> None:
    model = build(lgb(loss="mse", num_leaves=210), default_module="components.models")
    assert type(model) is LGBModel
    assert model.params["num_leaves"] == 210


def test_without_a_module_path_the_default_module_is_searched_and_a_dotted_class_names_its_own() -> None:
    assert type(build({"class": "LGBModel"}, default_module="components.models")) is LGBModel
    assert type(build({"class": "components.models.LGBModel"}, default_module="json")) is LGBModel


def test_defaults_reach_only_classes_that_accept_them() -> None:
    record = build({"class": "SigAnaRecord"}, default_module="components.tracking", ann_scaler=250, market=None)
    assert record.ann_scaler == 250


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"class": "Popen", "module_path": "subprocess"}, "ROLLFLOW_TRUSTED_MODULES=subprocess"),
        ({"class": "Evil", "module_path": "componentsx.evil"}, "not from a trusted module"),
        ({"class": "LGBModle", "module_path": "components.models"}, "did you mean 'LGBModel'?"),
        ({"class": "HISTModel", "module_path": "qlib.contrib.model.pytorch_hist"}, "no counterpart"),
        ({"class": "LinearModel", "kwargs": {"estimater": "ols"}}, "did you mean 'estimator'?"),
        ({"class": "LinearModel", "kwarg": {}}, "did you mean 'kwargs'?"),
        ("LGBModel", "expected a description"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line(config: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("?", r"\?")) as caught:
        build(config, default_module="components.models")
    assert "\n" not in str(caught.value)


def test_an_untrusted_module_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mymodels.py").write_text("class Mine:\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    description = {"class": "Mine", "module_path": "mymodels"}
    with pytest.raises(InputError):
        build(description, default_module="components.models")
    assert "mymodels" not in sys.modules
    assert type(build(description, default_module="components.models", trusted=["mymodels"])).__name__ == "Mine"
    sys.modules.pop("mymodels")
