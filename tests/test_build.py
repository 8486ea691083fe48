"""Objects from their descriptions: of the wanted kind only, and nothing from modules that are not trusted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import CONFIG, desk

from components.backtest import TopkDropoutStrategy
from components.build import build, find_class, trusting
from components.errors import InputError
from components.features import DataHandler, DataHandlerLP
from components.features.processors import Processor
from components.models import LGBModel, Model
from components.records import Record

#: A package of a user's own: one class of every kind that a config may name.
MINE = """
from components.backtest import TopkDropoutStrategy
from components.features import DataHandlerLP, QlibDataLoader
from components.features.processors import Transform
from components.models import LinearModel
from components.records import SigAnaRecord

class MyModel(LinearModel):
    pass

class MyHandler(DataHandlerLP):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)

class MyLoader(QlibDataLoader):
    pass

class Doubled(Transform):
    def transform(self, values, starts, columns):
        values[:, columns] *= 2

class MyStrategy(TopkDropoutStrategy):
    pass

class MyRecord(SigAnaRecord):
    pass

class Bare:
    made = 0
    def __init__(self):
        type(self).made += 1

class Fussy(LinearModel):
    def __init__(self):
        raise KeyError("colour")
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the package `mypkg`, on the path of this process and of those that it starts."""
    (tmp_path / "mypkg").mkdir()
    (tmp_path / "mypkg" / "__init__.py").write_text(MINE)
    (tmp_path / "mypkg" / "broken.py").write_text("def\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "mypkg"]:
        del sys.modules[name]


def lgb(**kwargs: object) -> dict[str, object]:
    return {"class": "LGBModel", "module_path": "qlib.contrib.model.gbdt", "kwargs": kwargs}


def model(config: Any, **options: Any) -> Model:
    return build(config, Model, default_module="components.models", **options)


def test_qlibs_module_path_means_our_class_of_the_same_name() -> None:
    built = model(lgb(loss="mse", num_leaves=210))
    assert isinstance(built, LGBModel)
    assert built.params["num_leaves"] == 210


def test_without_a_module_path_the_default_module_is_searched_and_a_dotted_class_names_its_own() -> None:
    assert type(model({"class": "LGBModel"})) is LGBModel
    assert type(build({"class": "components.models.LGBModel"}, Model, default_module="json")) is LGBModel


def test_defaults_reach_only_classes_that_accept_them() -> None:
    description = {"class": "SigAnaRecord"}
    record = build(description, Record, default_module="components.tracking", ann_scaler=250, market=None)
    assert record.ann_scaler == 250  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"class": "Popen", "module_path": "subprocess"}, "subprocess.Popen is not one of rollflow's"),
        ({"class": "Ridge", "module_path": "sklearn.linear_model"}, "derive a class of your own"),
        ({"class": "Evil", "module_path": "componentsx.evil"}, "ROLLFLOW_TRUSTED_MODULES=componentsx.evil"),
        ({"class": "LGBModle", "module_path": "components.models"}, "did you mean 'LGBModel'?"),
        ({"class": "Other", "module_path": "components.models"}, "it has .*LGBModel, LinearModel"),
        ({"class": "HISTModel", "module_path": "qlib.contrib.model.pytorch_hist"}, "no counterpart"),
        ({"class": "LinearModel", "kwargs": {"estimater": "ols"}}, "did you mean 'estimator'?"),
        ({"class": "LinearModel", "kwargs": {"zzz": 1}}, "it takes estimator, alpha"),
        ({"class": "LinearModel", "kwargs": [1]}, r"kwargs must be names and values, not \[1\]"),
        ({"class": "LinearModel", "kwargs": {1: 2}}, "kwargs must be names and values"),
        ({"class": "LinearModel", "kwarg": {}}, "did you mean 'kwargs'?"),
        ({"class": "LinearModel", "module_path": 5}, "module_path 5"),
        ({"class": "LinearModel", "module_path": ".models"}, "must be dotted names"),
        ({"class": "Model"}, "Model is abstract"),
        ({"class": "Fit"}, "Fit is not a Model: it must be a subclass of components.models.Model"),
        ("LGBModel", "expected a description"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line(config: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("?", r"\?")) as caught:
        model(config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("MongoClient", "components.pool.connection"),
        ("Path", "components.settings"),
        ("ChildProcess", "components.execution.subprocess_handle"),
    ],
)
@pytest.mark.parametrize("kind", [Model, DataHandler, Processor, Record, TopkDropoutStrategy])
def test_a_class_that_a_trusted_module_happens_to_import_is_of_the_wrong_kind(
    name: str, path: str, kind: type[Any]
) -> None:
    with pytest.raises(InputError, match=f"{name} is not a {kind.__name__}|no class '{name}'"):
        build({"class": name, "module_path": path}, kind, default_module="components")


def test_a_class_of_the_wrong_kind_is_not_constructed(mine: Path) -> None:
    with pytest.raises(InputError, match="Bare is not a Model"):
        model({"class": "mypkg.Bare"}, trusted=["mypkg"])
    assert sys.modules["mypkg"].Bare.made == 0


def test_a_class_that_a_trusted_module_has_imported_must_be_from_a_trusted_module_itself(mine: Path) -> None:
    (mine / "front.py").write_text("from mypkg import MyModel\n")
    with pytest.raises(InputError, match="set ROLLFLOW_TRUSTED_MODULES=front,mypkg"):
        model({"class": "front.MyModel"}, trusted=["front"])
    assert type(model({"class": "front.MyModel"}, trusted=["front", "mypkg"])).__name__ == "MyModel"


def test_an_untrusted_module_is_not_even_imported(mine: Path) -> None:
    with pytest.raises(InputError, match="set ROLLFLOW_TRUSTED_MODULES=mypkg"):
        model({"class": "mypkg.MyModel"})
    assert "mypkg" not in sys.modules
    assert type(model({"class": "mypkg.MyModel"}, trusted=["mypkg"])).__name__ == "MyModel"


def test_a_module_that_cannot_be_imported_and_a_constructor_that_fails_are_said_in_one_line(mine: Path) -> None:
    with pytest.raises(InputError, match=r"module 'mypkg.broken' of class 'M' cannot be imported: SyntaxError"):
        model({"class": "mypkg.broken.M"}, trusted=["mypkg"])
    with pytest.raises(InputError, match=r"mypkg.Fussy cannot be made from its kwargs: KeyError: 'colour'"):
        model({"class": "mypkg.Fussy"}, trusted=["mypkg"])


def own_everything() -> dict[str, Any]:
    """The small config with a class of `mypkg` in every place."""
    config = yaml.safe_load(yaml.safe_dump(CONFIG))
    task = config["task"]
    task["model"] = {"class": "MyModel", "module_path": "mypkg"}
    handler = task["dataset"]["kwargs"]["handler"]
    handler |= {"class": "MyHandler", "module_path": "mypkg"}
    handler["kwargs"]["data_loader"] |= {"class": "MyLoader", "module_path": "mypkg"}
    handler["kwargs"]["infer_processors"] = [{"class": "Doubled", "module_path": "mypkg"}, {"class": "Fillna"}]
    strategy = {"class": "MyStrategy", "module_path": "mypkg", "kwargs": {"topk": 5, "n_drop": 1}}
    portfolio = {"strategy": strategy, "backtest": {"benchmark": None}}
    task["record"] = [
        {"class": "SignalRecord", "kwargs": {"model": "<MODEL>", "dataset": "<DATASET>"}},
        {"class": "MyRecord", "module_path": "mypkg"},
        {"class": "PortAnaRecord", "kwargs": {"config": portfolio}},
    ]
    return config


def test_trust_reaches_what_an_object_builds_itself(mine: Path) -> None:
    handler = own_everything()["task"]["dataset"]["kwargs"]["handler"]
    built = find_class(handler, DataHandler, default_module="components.features", trusted=["mypkg"])
    assert built.__name__ == "MyHandler"
    with_trust = build(handler, DataHandler, default_module="components.features", trusted=["mypkg"])
    assert [type(each).__name__ for each in with_trust.infer_processors] == ["Doubled", "Fillna"]
    kwargs = handler["kwargs"]
    with pytest.raises(InputError, match=r"class mypkg.MyLoader is not from a trusted module"):
        DataHandlerLP(**kwargs)  # the trust has ended with the build
    with trusting(["mypkg"]):
        assert len(DataHandlerLP(**kwargs).infer_processors) == 2


@pytest.mark.acceptance
def test_own_classes_of_every_kind_are_planned_and_run(mine: Path) -> None:
    path = mine / "own.yaml"
    path.write_text(yaml.safe_dump(own_everything()))
    stranger = desk(mine, PYTHONPATH=str(mine), ROLLFLOW_TRUSTED_MODULES="")
    friend = desk(mine, PYTHONPATH=str(mine), ROLLFLOW_TRUSTED_MODULES="mypkg")

    refused = stranger.run("flows.rolling", path, "--plan")
    assert refused.status == 2
    assert "to trust it, set ROLLFLOW_TRUSTED_MODULES=mypkg" in refused.err

    planned = friend.run("flows.rolling", path, "--plan")
    assert planned.status == 0, planned.err
    assert "4 of 4 windows to train" in planned.out
    outcome = friend.rolling(path)
    assert [window["status"] for window in outcome["windows"]] == ["done"] * 4
    assert "1day.ffr" in outcome["metrics"]
