"""The table of Qlib's published configs."""

from __future__ import annotations

from importlib import resources

from benchmarks.qlib_configs import verdict
from components.data import open_market

#: A workflow as Qlib publishes it, on our demo market's names.
WORKFLOW = resources.files("flows").joinpath("configs/lightgbm_alpha158.yaml").read_text("utf-8")


def test_what_runs_is_planned_and_what_does_not_says_why() -> None:
    market = open_market("demo:?years=6&instruments=20")
    ours = WORKFLOW.replace("csi300", "all").replace("SH000300", market.instruments[0])
    days = {"2008-01-01": "2015-06-01", "2014-12-31": "2017-12-29", "2015-01-01": "2018-01-02"}
    days |= {"2016-12-31": "2018-12-28", "2017-01-01": "2019-01-02", "2020-08-01": "2020-08-03"}
    for published, here in days.items():
        ours = ours.replace(published, here)
    assert verdict(ours, market) == ("LGBModel", "11 windows")
    without = ours.replace("LGBModel", "GRU").replace("qlib.contrib.model.gbdt", "qlib.contrib.model.pytorch_gru")
    model, why = verdict(without, market)
    assert model == "GRU"
    assert why.startswith("qlib.contrib.model.pytorch_gru.GRU has no counterpart here; take CatBoostModel, ")
