"""What the page of a service says; how it looks in a browser is in test_service_browser."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_service import DAYS, LINEAR, NEW, OLD, decision, gate, history, realised, served, signal

from components.report.service import Measured, ServiceContent
from components.report.service.page import headlines, render, render_day
from components.report.service.sparkline import sparkline
from components.serving import DayRecord, History
from components.serving.page import service_content, turnover
from components.serving.page_models import Names

MADE = datetime(2026, 3, 4, 18, 30, tzinfo=UTC)


def content(**more: Any) -> ServiceContent:
    return service_content(served(**more), MADE)


def newest(**more: Any) -> History:
    """The same days, the newest one with other values."""
    days = history().days
    return History((*days[:-1], replace(days[-1], **more)))


def text_of(page: str) -> str:
    """What a reader sees of a page, without its scripts."""
    body = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def figures(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    assert found
    drawn: dict[str, Any] = json.loads(found[1])["figures"]
    assert sorted(drawn) == sorted(re.findall(r'data-figure="([\w-]+)"', page))
    return drawn


def heights(trace: dict[str, Any]) -> list[float]:
    values = np.frombuffer(b64decode(trace["y"]["bdata"]), "f4").astype(float)
    return [round(value, 6) for value in values.tolist()]


def test_roles_say_since_when_and_why() -> None:
    roles = {(role.strategy, role.role): role for role in content().roles}
    assert {pair: (role.model, role.since, role.days, role.why) for pair, role in roles.items()} == {
        ("trees", "champion"): (DAYS[1], DAYS[2], 1, "IC 0.0500 instead of -0.0200"),
        ("trees", "previous"): ("2026-02-16", DAYS[2], 1, "a rollback returns to it"),
        ("linear", "champion"): ("2026-02-23", DAYS[0], 3, ""),
    }
    old = roles["trees", "previous"]
    assert (old.ic, old.rank_ic, old.realised) == (pytest.approx(-0.05), pytest.approx(-0.025), 2)
    linear = roles["linear", "champion"]  # a day without an IC is known, but has no part in the mean
    assert (linear.ic, linear.realised) == (0.5, 2)


def test_what_was_realised_belongs_to_the_model_that_was_served_or_not() -> None:
    table = content().realised
    assert list(table.itertuples(index=False, name=None)) == [
        (DAYS[0], "trees", "2026-02-16", True, 0.1, 0.05),
        (
            DAYS[0],
            "linear",
            "2026-02-23",
            True,
            pytest.approx(np.nan, nan_ok=True),
            pytest.approx(np.nan, nan_ok=True),
        ),
        (DAYS[1], "trees", "2026-02-16", True, -0.2, -0.1),
        (DAYS[1], "trees", DAYS[1], False, 0.3, 0.15),
        (DAYS[1], "linear", "2026-02-23", True, 0.5, 0.25),
    ]
    assert content().daily["ic"].tolist() == pytest.approx([0.1, 0.15])


def test_a_challenger_is_drawn_from_where_the_champion_stood() -> None:
    traces = {
        trace["name"]: trace
        for trace in figures(render(content()))["realised-cumulated"]["data"]
        if "name" in trace
    }
    assert heights(traces["trees, IC"]) == [0.1, -0.1]
    assert heights(traces["linear, IC"]) == [0.0, 0.5]
    assert heights(traces["trees, challenger, IC"])[0] == 0.4
    assert "linear, challenger, IC" not in traces


def test_bands_show_which_model_was_online() -> None:
    spans = [(span.strategy, span.model, span.first, span.last) for span in content().spans]
    assert spans == [
        ("trees", "2026-02-16", DAYS[0], DAYS[1]),
        ("trees", DAYS[1], DAYS[2], DAYS[2]),
        ("linear", "2026-02-23", DAYS[0], DAYS[2]),
    ]
    (trees, _) = [
        trace for trace in figures(render(content()))["realised-cumulated"]["data"] if trace["type"] == "bar"
    ]
    assert (trees["base"], [days / 86_400_000 for days in trees["x"]]) == ([DAYS[0], DAYS[2]], [2, 1])


def test_models_say_when_they_were_online() -> None:
    assert [(line.model, line.first, line.last, line.ic) for line in content().models] == [
        ("2026-02-16", DAYS[0], DAYS[1], pytest.approx(-0.05)),
        ("2026-02-23", DAYS[0], None, 0.5),
        (DAYS[1], DAYS[2], None, 0.3),
    ]


def test_turnover() -> None:
    table = turnover(signal({DAYS[0]: "ABCD", DAYS[1]: "ABDC", DAYS[2]: "DCB"}))
    assert list(table.index.astype(str)) == list(DAYS)
    # 1 - 6 * (1 + 1) / (4 * 15); of the three names that both days have, B, D, C has become D, C, B
    assert table["autocorrelation"].tolist() == pytest.approx([np.nan, 0.8, -0.5], nan_ok=True)
    assert table["fresh"].tolist() == pytest.approx([np.nan, 0.0, 1.0], nan_ok=True)


def test_days_count_what_was_scored_by_champions() -> None:
    first, second, third = content().days
    assert (second.gate, second.trained, second.alarms) == ("warn", {"trees": [DAYS[1]]}, 1)
    assert (second.scored, second.missing) == ({"trees": 20, "linear": 19}, {"trees": 0, "linear": 1})
    assert third.online == {"trees": DAYS[1], "linear": "2026-02-23"}
    assert first.trained == {"trees": ["2026-02-16"], "linear": ["2026-02-23"]}


def test_the_head_says_how_the_day_is() -> None:
    assert [(each.name, each.value, each.level) for each in headlines(content())] == [
        ("Data gate", "green", "ok"),
        ("Names scored", "18 of 20", "warn"),  # of the strategy that lacks most
        ("Realised IC, 20 days", "0.1250", ""),
        ("Drift alarms", "0", "ok"),
        ("Models trained", "0", ""),
        ("Orders", "2", ""),
    ]


def test_orders_are_sales_first() -> None:
    orders = content().orders
    assert orders is not None
    assert (orders.value, orders.cash, orders.held) == (17500.0, 4900.0, 1)
    assert [(each.instrument, each.sell, each.buy) for each in orders.rows] == [("S01", 1000, 0), ("S05", 0, 1000)]
    page = text_of(render(content()))
    assert "Account 17,500, 1 name held, 4,900 in cash after the orders." in page
    assert "S01 sell 1,000 19 1,000 → 0 12.50 rank 19 of 20 S05 buy 1,000 1 0 → 1,000 12.50 rank 1 of 20" in page
    assert "Orders for the next session" not in render(content(holdings=None, targets=None))


def test_decisions_revisions_and_names_without_a_score_are_listed() -> None:
    page = text_of(render(content()))
    assert f"{DAYS[2]} trees promote {DAYS[1]} instead of 2026-02-16 rule ic IC 0.0500 instead of -0.0200" in page
    assert "evidence days 21 chance 0.004" in page
    assert f"{DAYS[1]} 2026-01-05 split and mended 2 S01 × 0.5, S02 1 day" in page
    assert "linear 2026-02-23 , 2: S01, S02" in page


def test_drift_over_the_last_days_stands_beside_its_limit() -> None:
    (measured,) = content().drift
    assert (measured.strategy, measured.name) == ("trees", "psi score")
    assert list(measured.values) == [None, 0.3, 0.1]
    assert list(measured.alarms) == [False, True, False]
    picture = str(sparkline(measured))
    assert picture.count("<circle") == 2
    assert picture.count('class="alarm"') == 1
    nothing = Measured(
        strategy="s", name="m", days=DAYS[:1], values=[None], limits=[1.0], alarms=[False], message=""
    )
    assert sparkline(nothing) == ""


def test_a_day_that_was_stopped_is_said_first() -> None:
    stopped = gate("2026-03-05", "fail", "3 of 20 instruments have a bar: load the rest, then run again")
    page = render(content(stopped=stopped))
    assert headlines(content(stopped=stopped))[0].value == "red"
    assert "2026-03-05 was not served : its data is not fit for it." in text_of(page)
    assert "bars : 3 of 20 instruments have a bar: load the rest, then run again" in text_of(page)
    assert '<li class="fail"><strong>bars</strong>' in page
    assert page.index('<li class="fail">') < page.index('<li class="ok">')


def test_a_yellow_gate_stops_nothing() -> None:
    yellow = content(history=newest(gate=gate(DAYS[2], "warn", "18 of 20")))
    assert headlines(yellow)[0].value == "yellow"
    assert "<aside>" not in render(yellow)


def test_a_training_that_failed_is_named() -> None:
    failed = content(history=newest(failed={"trees": "ValueError: no rows"}))
    page = text_of(render(failed))
    assert "trees was not trained , the model of before goes on: ValueError: no rows" in page
    assert "0, 1 failed" in page
    assert '<tr class="failed">' in render(failed)


def test_one_day_has_a_page() -> None:
    first = History(history().days[:1])
    page = render(content(history=first, signal=signal({DAYS[0]: "AB"})))
    assert "data-figure" not in page
    assert "<script" not in page
    assert "No label of a day that was served is known yet." in page
    assert "how it changes shows from the second on" in page


def test_days_without_a_known_label_have_a_page() -> None:
    days = [replace(day, realised=()) for day in history().days]
    page = render(content(history=History(tuple(days))))
    assert sorted(figures(page)) == ["coverage", "turnover"]
    assert "Realised IC, 20 days –" in text_of(page)


def test_a_service_that_nobody_looks_at_has_a_page() -> None:
    bare = DayRecord(day=DAYS[0], recorder_id="1" * 32)
    assert "The day" in render(content(history=History((bare,)), signal=signal({}), holdings=None, targets=None))


def test_texts_are_not_taken_for_html() -> None:
    name = "</script><script>alert(1)</script>"
    evil = newest(
        failed={name: name},
        gate=gate(DAYS[2], "warn", name),
        decisions=(decision("promote", NEW, OLD, name, **{name: name}),),
        scored=(replace(history().days[-1].scored[0], missing=(name,)),),
        drift={"trees": replace(history().days[1].drift["trees"], measures=())},
        standing={**history().days[-1].standing, name: history().days[-1].standing["linear"]},
    )
    page = render(content(history=evil, service=name, facts={name: name}))
    assert "alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_page_of_a_day_is_small_and_needs_no_script() -> None:
    page = render_day(content())
    assert "<script" not in page
    assert len(page) < 40_000
    assert "rollflow service, one day" in page
    assert "Orders for the next session" in page


def test_a_page_of_three_years_is_not_large() -> None:
    first, second, third = history().days
    later = [str(day.date()) for day in pd.bdate_range("2026-03-05", periods=747)]
    more = [replace(third, day=day, decisions=(), realised=(realised(day, NEW, 0.01),)) for day in later]
    days = History((first, second, third, *more))
    names = [f"S{number:03}" for number in range(300)]
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product(
        [pd.DatetimeIndex([day.day for day in days.days]), names], names=["datetime", "instrument"]
    )
    long = content(history=days, signal=pd.Series(rng.normal(size=len(index)), index))
    page = render(long)
    assert len(page.encode()) < 3_000_000
    assert len(long.days) == 750
    assert "And 690 days before." in page


def test_unknown_models_have_a_short_name() -> None:
    assert Names(history())[LINEAR] == "2026-02-23"
    assert Names(history())["d" * 64] == "d" * 12


def test_content_is_made_of_plain_values() -> None:
    json.dumps([asdict(each) for each in (*content().roles, *content().days, *content().choices)])
