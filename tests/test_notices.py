"""Somebody is told of what a service has to say; that this fails ends nothing."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret
from prefect.blocks.webhook import Webhook
from prefect.settings import PREFECT_API_URL, temporary_settings
from receiver import receiving

from components.serving.day import DayRecord, Decision
from components.serving.drift import DriftReport, Measure
from components.serving.gate import GateReport
from components.serving.gate.check import Check
from components.serving.notice import Notice, notices_of
from components.settings import Settings
from flows.notifying import tell

OLD, NEW = "0" * 64, "1" * 64
NOTICE = Notice(service="csi300", day="2026-11-25", kind="gate", text="gate red on 2026-11-25: day: no bars")
UNKNOWN = "there is none; make it in Prefect's UI, or correct ROLLFLOW_NOTIFY"
LINK = "http://127.0.0.1:4200/runs/flow-run/1"


def told(record: DayRecord, before: DayRecord | None = None) -> list[tuple[str, str]]:
    notices = notices_of("csi300", record, before)
    assert {(each.service, each.day) for each in notices} <= {("csi300", record.day)}
    return [(each.kind, each.text) for each in notices]


def decision(action: str, instead_of: str | None = OLD) -> Decision:
    return Decision(
        strategy="trees", action=action, model=NEW, instead_of=instead_of, by="me@desk", why="it does better"
    )


def drift(*alarms: str) -> DriftReport:
    names = ("psi score", "missing")
    return DriftReport(tuple(Measure(name, 1.0, 0.5, name in alarms, f"{name} is 1, limit 0.5") for name in names))


def test_an_ordinary_day_says_nothing() -> None:
    gate = GateReport(day="2026-11-25", checks=(Check(name="bars", level="ok", message="300 of 300"),))
    first = decision("promote", instead_of=None)
    record = DayRecord(day="2026-11-25", recorder_id="r", gate=gate, decisions=(first, decision("challenge")))
    assert told(replace(record, drift={"trees": drift()})) == []


def test_a_day_says_what_people_should_look_at() -> None:
    gate = GateReport(day="2026-11-25", checks=(Check(name="bars", level="warn", message="250 of 300"),))
    record = DayRecord(
        day="2026-11-25",
        recorder_id="r",
        gate=gate,
        failed={"trees": "TimeExceeded: took too long"},
        decisions=(decision("promote"), decision("roll back")),
        drift={"trees": drift("missing")},
    )
    assert told(record) == [
        ("gate", "gate yellow on 2026-11-25: bars: 250 of 300"),
        ("failure", "trees not trained: TimeExceeded: took too long"),
        ("promotion", f"trees: promoted {NEW[:12]} instead of {OLD[:12]}, by me@desk: it does better"),
        ("promotion", f"trees: rolled back to {NEW[:12]} instead of {OLD[:12]}, by me@desk: it does better"),
        ("drift", "trees: missing is 1, limit 0.5"),
    ]


def test_drift_is_news_when_it_begins() -> None:
    before = DayRecord(day="2026-11-24", recorder_id="r", drift={"trees": drift("missing")})
    record = DayRecord(day="2026-11-25", recorder_id="r", drift={"trees": drift("missing", "psi score")})
    assert told(record, before) == [("drift", "trees: psi score is 1, limit 0.5")]


def test_a_webhook_gets_a_json_document() -> None:
    with receiving() as receiver:
        tell(NOTICE, LINK, Settings(webhook=receiver.url))
    assert receiver.messages == [
        {
            "service": "csi300",
            "day": "2026-11-25",
            "kind": "gate",
            "text": "gate red on 2026-11-25: day: no bars",
            "run": LINK,
        }
    ]


def test_no_secret_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLFLOW_MONGO_URL", "mongodb://me:geheim@host")
    with receiving() as receiver:
        tell(replace(NOTICE, text="mongodb://me:geheim@host: geheim"), None, Settings(webhook=receiver.url))
    assert [(each["text"], each["run"]) for each in receiver.messages] == [("mongodb://me:***@host: ***", None)]


def test_whoever_cannot_be_told_is_named_and_his_address_is_not(caplog: pytest.LogCaptureFixture) -> None:
    with receiving(status=500) as receiver:
        tell(NOTICE, LINK, Settings(webhook=receiver.url))
    tell(NOTICE, LINK, Settings(webhook=receiver.url))  # which is gone
    refused, gone = (record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)
    assert refused == "the webhook was not told: HTTP 500"
    assert gone.startswith("the webhook was not told: ")
    assert "only-for-friends" not in caplog.text


@pytest.mark.acceptance
def test_blocks_of_prefect_are_told(prefect_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with temporary_settings({PREFECT_API_URL: prefect_url}), receiving() as receiver:
        Webhook(url=receiver.url).save("hook")
        body = {"title": "{{subject}}", "text": "{{body}}"}
        CustomWebhookNotificationBlock(name="desk", url=receiver.url, json_data=body).save("desk")
        Secret(value="geheim").save("no-notification")
        names = ("webhook/hook", "secret/no-notification", "custom-webhook/none", "custom-webhook/desk")
        tell(NOTICE, LINK, Settings(notify=names))
        receiver.status = 500
        tell(NOTICE, LINK, Settings(notify=("webhook/hook", "custom-webhook/desk")))
    first, second = receiver.messages[:2]
    assert first["text"] == NOTICE.text
    assert second == {"title": "rollflow: csi300 2026-11-25 gate", "text": f"{NOTICE.text}\n{LINK}"}
    not_told = [record.getMessage() for record in caplog.records if "was not told" in record.getMessage()]
    assert not_told == [
        "block secret/no-notification was not told: it sends no notifications; name another one",
        f"block custom-webhook/none was not told: {UNKNOWN}",
        "block webhook/hook was not told: HTTP 500",
        "block custom-webhook/desk was not told: HTTP 500",
    ]
    assert "only-for-friends" not in caplog.text
