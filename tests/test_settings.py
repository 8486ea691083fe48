"""Settings from the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from components.errors import InputError
from components.settings import Settings


def test_an_empty_environment_gives_the_embedded_defaults() -> None:
    settings = Settings.from_env({})
    assert settings.home == Path("~/.rollflow").expanduser()
    assert settings.mongo_url is None
    assert settings.tracking_uri is None
    assert settings.lease == timedelta(seconds=60)
    assert settings.trusted_modules == ()
    assert settings.matrices_limit == 20_000_000_000


def test_values_are_read_with_their_types() -> None:
    settings = Settings.from_env(
        {
            "ROLLFLOW_HOME": "/tmp/somewhere",  # noqa: S108
            "ROLLFLOW_LEASE": "2.5",
            "ROLLFLOW_MATRICES_LIMIT": "1.5G",
            "ROLLFLOW_TRUSTED_MODULES": "mine, yours.models ,",
            "ROLLFLOW_MONGO_PORT": "27123",
            "MLFLOW_TRACKING_URI": "http://localhost:5000",
            "ROLLFLOW_WEBHOOK": "https://hooks.example.com/services/T0/B0?token=1",
            "ROLLFLOW_NOTIFY": "slack-webhook/team, sendgrid-email/desk",
        }
    )
    assert settings.home == Path("/tmp/somewhere")  # noqa: S108
    assert settings.lease == timedelta(seconds=2.5)
    assert settings.matrices_limit == 1_500_000_000
    assert settings.trusted_modules == ("mine", "yours.models")
    assert settings.mongo_port == 27123
    assert settings.tracking_uri == "http://localhost:5000"
    assert settings.webhook == "https://hooks.example.com/services/T0/B0?token=1"
    assert settings.notify == ("slack-webhook/team", "sendgrid-email/desk")


def test_passwords_stay_out_of_the_repr() -> None:
    settings = Settings.from_env(
        {
            "ROLLFLOW_MONGO_URL": "mongodb://u:secret@host/",
            "MLFLOW_TRACKING_URI": "http://u:secret@host",
            "ROLLFLOW_WEBHOOK": "https://host/secret",
        }
    )
    assert settings.mongo_url == "mongodb://u:secret@host/"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ROLLFLOW_LAESE", "5", "did you mean 'ROLLFLOW_LEASE'"),
        ("ROLLFLOW_LEASE", "soon", "'soon' is not a number of seconds"),
        ("ROLLFLOW_LEASE", "0", "'0' is not a number of seconds"),
        ("ROLLFLOW_MONGO_PORT", "http", "'http' is not a port"),
        ("ROLLFLOW_MATRICES_LIMIT", "much", "'much' is not a number of bytes; write it like 500M or 20G"),
        ("ROLLFLOW_HOME", "/tmp/100%41", "/tmp/100%41: the address of a database cannot hold '%' or"),  # noqa: S108
        ("ROLLFLOW_HOME", "/tmp/what?", "choose another folder"),  # noqa: S108
        ("ROLLFLOW_MATRICES_LIMIT", "-1", "'-1' is not a number of bytes"),
        ("ROLLFLOW_NOTIFY", "team", "'team' is not the name of a Prefect block; write it like slack-webhook/team"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings.from_env({name: value})


@pytest.mark.parametrize("address", ["host/token", "file:///etc/token", "https://", "http://a b/token"])
def test_a_wrong_webhook_is_not_repeated(address: str) -> None:
    with pytest.raises(InputError) as raised:
        Settings.from_env({"ROLLFLOW_WEBHOOK": address})
    assert str(raised.value) == (
        "setting ROLLFLOW_WEBHOOK: it is not the address of a webhook; write it like https://host/path"
    )
