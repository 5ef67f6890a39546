"""Settings come from ARREARS_ variables; a wrong one is named, a secret never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from arrears.config.settings import GatewaySettings, Settings
from arrears.domain.clock import REAL_TIME

SECRET = "whsec_" + "QUJD" * 12


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("ARREARS_"):
            monkeypatch.delenv(name)


def set_env(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"ARREARS_{name}", value)


def test_with_nothing_set_no_gateway_is_configured_and_time_is_real() -> None:
    settings = Settings()
    assert [getattr(settings, g) for g in ("sms", "voice", "in_app", "agency", "bureau", "legal", "loan_system", "smtp")] == [None] * 8
    assert settings.clock == REAL_TIME


def test_the_ledger_is_a_file_in_the_data_directory_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings(data_dir=Path("/srv/a")).ledger_url == "sqlite+aiosqlite:////srv/a/ledger.db"
    set_env(monkeypatch, LEDGER_URL="postgresql+asyncpg://u@db/arrears")
    assert Settings().ledger_url == "postgresql+asyncpg://u@db/arrears"


def test_a_gateway_is_configured_by_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    set_env(monkeypatch, IN_APP_URL="http://127.0.0.1:9000/in-app/", IN_APP_SECRET=SECRET, IN_APP_ANSWER_SECONDS="2.5")
    gateway = Settings().gateway("in_app")
    assert isinstance(gateway, GatewaySettings)
    assert (gateway.url, gateway.answer_seconds) == ("http://127.0.0.1:9000/in-app", 2.5)
    assert gateway.secret.get_secret_value() == SECRET
    assert Settings().gateway("sms") is None


def test_mail_is_not_a_gateway_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    set_env(monkeypatch, SMTP_HOST="mail.example", SMTP_SENDER="letters@lender.example")
    assert Settings().smtp is not None
    assert Settings().gateway("email") is None


def test_callbacks_come_to_the_api_unless_it_is_reached_by_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    set_env(monkeypatch, API_PORT="9123")
    assert Settings().callback_url("voice") == "http://127.0.0.1:9123/v1/callbacks/voice"
    set_env(monkeypatch, CALLBACK_BASE="https://arrears.lender.example/")
    assert Settings().callback_url("voice") == "https://arrears.lender.example/v1/callbacks/voice"


def test_the_clock_is_one_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
    set_env(monkeypatch, CLOCK='{"real_epoch": "2026-11-21T09:00:00Z", "business_epoch": "2026-11-01T00:00:00+08:00", "day_seconds": 5}')
    assert Settings().clock.day_seconds == 5


def test_the_lender_is_presented_as_set(monkeypatch: pytest.MonkeyPatch) -> None:
    set_env(monkeypatch, LENDER_NAME="某某消费金融", LENDER_SERVICE_LINE="400-111-1111")
    lender = Settings().lender
    assert (lender.name, lender.service_line) == ("某某消费金融", "400-111-1111")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    set_env(monkeypatch, LEDGER_URL="", SMS_URL="", SMS_SECRET="")
    assert Settings().sms is None


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"SMS_URL": "http://sms.example"}, "sms.secret"),
        ({"SMS_URL": "sms.example", "SMS_SECRET": SECRET}, "sms.url"),
        ({"SMS_URL": "http://sms.example", "SMS_SECRET": "not base64 at all, this secret"}, "sms.secret"),
        ({"SMS_URL": "http://sms.example", "SMS_SECRET": "dG9vc2hvcnQ="}, "sms.secret"),
        ({"API_PORT": "80800"}, "api.port"),
        ({"SMTP_HOST": "mail.example", "SMTP_SENDER": "nobody"}, "smtp.sender"),
        ({"CLOCK": '{"day_seconds": 5}'}, "real_epoch"),
        ({"CALL_TIMEOUT_SECONDS": "0"}, "call_timeout_seconds"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], field: str) -> None:
    set_env(monkeypatch, **variables)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert field in str(refused.value)


def test_no_secret_and_no_password_shows_in_errors_or_when_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = "hidden-password-0123456789"
    set_env(monkeypatch, LEDGER_URL=f"postgresql+asyncpg://u:{hidden}@db/a", SMTP_HOST="h", SMTP_SENDER="a@b", SMTP_PASSWORD=hidden)
    assert hidden not in repr(Settings())
    set_env(monkeypatch, SMS_URL="http://sms.example", SMS_SECRET=hidden)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert hidden not in str(refused.value)
