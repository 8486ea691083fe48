"""No secret in a text that is stored or shown, however the address or the text spells it."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback

import pytest

from components.pool.connection import check_address
from components.redaction import protect, redacted, without_password
from components.tracking import ExperimentManager


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mongodb://me:secret@host:27017/db", "mongodb://me:***@host:27017/db"),
        ("refused by http://me:p%40w@host:5000/api?x=1 (401)", "refused by http://me:***@host:5000/api?x=1 (401)"),
        ("postgresql+psycopg://me:a/b@c@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql://host/db?user=me&password=secret", "postgresql://host/db?user=me&password=***"),
        ("mongodb://me:one@h1:1,h2:2/?w=1", "mongodb://me:***@h1:1,h2:2/?w=1"),
        ("http://:secret@host", "http://:***@host"),
        ("http://me:123@host", "http://me:***@host"),
        ("http://me@corp.com:secret@host", "http://me@corp.com:***@host"),
        ("a http://me:one@a, b http://me:two@b", "a http://me:***@a, b http://me:***@b"),
        (
            "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=secret&authMechanismProperties=AWS_SESSION_TOKEN:x",
            "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=***&authMechanismProperties=***",
        ),
        ("{'Authorization': 'Basic bWU6c2VjcmV0'}", "{'Authorization': 'Basic ***'}"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
    ],
)
def test_what_looks_like_an_address_has_no_password(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:5000/#/runs/1?mail=me@host",
        "mongodb://h1:27017,h2:27018/db?x=a@b",
        "http://[::1]:5000/a@b",
        "['http://host:80','me@host']",
        "write to me@host: http://me@host/ is down",
        "Ref($close, -2) / Ref($close, -1) - 1",
    ],
)
def test_what_holds_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("password", ["hunter2hunter", "p@ss/w:rd", "p%40ss%2Fw%3Ard", "back\\slash'quote", "üñí"])
def test_the_password_of_a_configured_address_is_hidden_wherever_it_stands(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{password}@tracking:5000")
    decoded = {"p%40ss%2Fw%3Ard": "p@ss/w:rd"}.get(password, password)
    try:
        try:
            raise ConnectionError(f"('me', {decoded!r}) was refused")
        except ConnectionError as error:
            raise RuntimeError(f"http://me:{password}@tracking:5000/api/2.0: no answer") from error
    except RuntimeError as error:
        text = redacted("".join(traceback.format_exception(error)))
    assert "('me', '***') was refused" in text.replace('"', "'")
    assert "RuntimeError: http://me:***@tracking:5000/api/2.0: no answer" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MLFLOW_TRACKING_PASSWORD", "geheim"),
        ("MLFLOW_TRACKING_TOKEN", "geheim"),
        ("PREFECT_API_KEY", "geheim"),
        ("ROLLFLOW_MONGO_URL", "mongodb://me:geheim@host"),
        ("ROLLFLOW_MONGO_URL", "mongodb://host/?tlsCertificateKeyFilePassword=geheim"),
        ("ROLLFLOW_MONGO_URL", "mongodb://host/?authMechanismProperties=A:1234,AWS_SESSION_TOKEN:geheim"),
        ("PREFECT_API_URL", "http://me:geheim@host/api"),
    ],
)
def test_secrets_of_the_environment_are_hidden(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert redacted("it said: geheim!") == "it said: ***!"


def test_the_header_of_a_configured_password_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret-one")
    assert redacted("sent bWU6c2VjcmV0LW9uZQ== to it") == "sent *** to it"


def test_a_webhook_is_a_secret_as_a_whole_and_less_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLFLOW_WEBHOOK", "https://hooks.example.com/services/T0/B0")
    assert redacted("POST https://hooks.example.com/services/T0/B0 failed") == "POST *** failed"
    assert redacted("hooks.example.com:443 'POST /services/T0/B0'") == "hooks.example.com:443 'POST ***'"
    monkeypatch.setenv("ROLLFLOW_WEBHOOK", "http://127.0.0.1:8000/a")
    assert redacted("see /a/b") == "see /a/b"


def test_a_short_password_does_not_riddle_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "me")
    assert redacted("some time: me, 'me'") == "some time: ***, '***'"


def test_an_address_that_was_only_typed_is_protected_once_it_is_used() -> None:
    code = (
        "from components.redaction import protect, redacted\n"
        "protect('http://me:typed-secret@host')\n"
        "print(redacted('it said: typed-secret'))"
    )
    reply = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True)
    assert reply.stdout == "it said: ***\n"


def test_the_address_of_a_store_or_a_pool_is_protected_as_it_is_taken() -> None:
    ExperimentManager("http://me:typed-for-mlflow@host")
    check_address("mongodb://me:typed-for-mongodb@host")
    assert redacted("they said: typed-for-mlflow, typed-for-mongodb") == "they said: ***, ***"


def test_a_whole_address_is_shown_without_its_password() -> None:
    assert without_password("http://me:my long secret@host/x") == "http://me:***@host/x"
    protect("")
    assert without_password("sqlite:////home/me/mlflow.db") == "sqlite:////home/me/mlflow.db"
