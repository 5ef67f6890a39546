"""What the people who run Arrears set: read from ``ARREARS_…`` environment variables, or given in code.

A group is set by its parts: ``ARREARS_SMS_URL`` and ``ARREARS_SMS_SECRET`` configure the SMS gateway. A gateway that is not configured sends
nothing. Temporal's own connection is configured by Temporal's ``TEMPORAL_…`` variables.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from arrears.domain.clock import REAL_TIME, Clock
from arrears.domain.message import Capacity, Lender
from arrears.domain.person import Region

PACKAGED = Path(__file__).parent
"""Where the strategies, messages and regimes that come with Arrears lie."""

GatewayName = Literal["sms", "voice", "in_app", "email", "agency", "bureau", "legal", "loan_system"]
"""Every party of the outside world that Arrears talks to; also the last part of its callback's path."""

Port = Annotated[int, Field(ge=0, le=65535)]
"""A TCP port; 0 lets the system choose a free one."""

_SHORTEST_SECRET = 24
_KEY_PREFIX = "whsec_"


def _base_url(url: str) -> str:
    return url.rstrip("/")


BaseUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/\S*)?$"), AfterValidator(_base_url)]
"""An http(s) URL without a slash at its end."""


def _signing_key(secret: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(secret.get_secret_value().removeprefix(_KEY_PREFIX), validate=True)
    except binascii.Error as wrong:
        raise ValueError("a signing secret is base64, with or without the prefix whsec_; make one with: openssl rand -base64 32") from wrong
    if len(key) < _SHORTEST_SECRET:
        raise ValueError(f"a signing secret holds at least {_SHORTEST_SECRET} bytes; make one with: openssl rand -base64 32")
    return secret


SigningSecret = Annotated[SecretStr, AfterValidator(_signing_key)]
"""A Standard Webhooks secret, shared with one gateway; never printed."""


def _signing_keys(secrets: SecretStr) -> SecretStr:
    for secret in _split(secrets):
        _signing_key(SecretStr(secret))
    return secrets


_LEDGER_KEY_BYTES = 32
_LEDGER_KEY_REMEDY = f"is the base64 of {_LEDGER_KEY_BYTES} bytes; make one with: openssl rand -base64 {_LEDGER_KEY_BYTES}"


def _is_ledger_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _LEDGER_KEY_BYTES
    except binascii.Error:
        return False


def _ledger_key(secret: SecretStr) -> SecretStr:
    if not _is_ledger_key(secret.get_secret_value()):
        raise ValueError(f"a ledger key {_LEDGER_KEY_REMEDY}")
    return secret


def _ledger_keys(secret: SecretStr) -> SecretStr:
    if not all(map(_is_ledger_key, _split(secret))):
        raise ValueError(f"ledger keys are separated by commas, and each {_LEDGER_KEY_REMEDY}")
    return secret


def _split(secret: SecretStr) -> tuple[str, ...]:
    return tuple(key.strip() for key in secret.get_secret_value().split(",") if key.strip())


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GatewaySettings(_Group):
    """Where a gateway listens, and the secret that signs what goes back and forth.

    ``old_secrets`` sign nothing any more: while a gateway changes over to the new one, what it signs with an old one is still believed.
    """

    url: BaseUrl
    secret: SigningSecret
    old_secrets: Annotated[SecretStr, AfterValidator(_signing_keys)] | None = Field(
        default=None, description="earlier secrets, separated by commas, until the gateway signs with the new one"
    )
    connect_seconds: PositiveFloat = 3
    answer_seconds: PositiveFloat = 10

    @property
    def believed(self) -> tuple[SecretStr, ...]:
        """Every secret that a message from this gateway may be signed with."""
        return (self.secret, *(map(SecretStr, _split(self.old_secrets)) if self.old_secrets else ()))


class EventsSettings(GatewaySettings):
    """Where the loan system takes events. While it changes over to a new secret, events are signed with the old ones too."""


class SmtpSettings(_Group):
    """The mail server and the address that letters come from."""

    host: str
    port: Port = 25
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    username: str | None = None
    password: SecretStr | None = None
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    timeout_seconds: PositiveFloat = 20


class LenderSettings(Lender):
    """How the lender presents itself; a loan that names another lender changes the name only."""

    name: str = "Example Consumer Finance"
    service_line: str = "400-000-0000"
    complaint_line: str = "400-000-0001"
    pay_url: BaseUrl = "https://pay.lender.example"


class ApiSettings(_Group):
    """Where the HTTP API listens, and how much it takes from one caller; ``batch_kilobytes`` is for addresses that end with ``/batch``."""

    host: str = "127.0.0.1"
    port: Port = 8080
    calls_per_minute: PositiveInt = Field(default=600, description="for each token and each operator, in each API process")
    signed_calls_per_minute: PositiveInt = Field(default=30_000, description="for each party that signs its messages")
    refusals_per_minute: PositiveInt = Field(default=120, description="for each address from which nobody proves who they are")
    body_kilobytes: PositiveInt = Field(default=64, description="the largest request")
    batch_kilobytes: PositiveInt = Field(default=1024, description="the largest request to an address that ends with /batch")


class OidcSettings(_Group):
    """The lender's identity provider, through which operators sign in."""

    issuer: BaseUrl
    client_id: str
    client_secret: SecretStr


class MetricsSettings(_Group):
    """Where workers expose Prometheus metrics; without a port they do not."""

    host: str = "127.0.0.1"
    port: Port | None = None


def _ledger_in_data_dir(given: dict[str, Any]) -> str:
    return f"sqlite+aiosqlite:///{given['data_dir'] / 'ledger.db'}"


def _api_itself(given: dict[str, Any]) -> str:
    return f"http://{given['api'].host}:{given['api'].port}"


class Settings(BaseSettings):
    """All settings. Wrong values raise ``pydantic.ValidationError``, which names the variable's field and never shows a secret."""

    model_config = SettingsConfigDict(
        env_prefix="ARREARS_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(default=Path(".arrears"), description="the one directory of the embedded ledger and Temporal server")
    ledger_url: str = Field(default_factory=_ledger_in_data_dir, repr=False, description="SQLAlchemy async URL; may hold a password")
    ledger_key: Annotated[SecretStr, AfterValidator(_ledger_key)] | None = Field(
        default=None, description="locks the keys that seal personal data; embedded, it is made and kept in the data directory"
    )
    ledger_old_keys: Annotated[SecretStr, AfterValidator(_ledger_keys)] | None = Field(
        default=None, description="earlier ledger keys, separated by commas, until `arrears db rekey` has replaced them"
    )
    clock: Clock = REAL_TIME

    lender: LenderSettings = LenderSettings()
    language: str = Field(default="zh-CN", description="for people of whom no language is known")
    strategies_dir: Path = PACKAGED / "strategies"
    messages_dir: Path = PACKAGED / "messages"
    regimes_dir: Path = PACKAGED / "regimes"
    lender_seat: Region = Field(
        default="CN", description="where the lender is seated, as an ISO 3166 code: that country's regime binds it everywhere"
    )
    lender_capacity: Capacity = Field(
        default="first_party", description="whether the lender collects in its own name, or is a third party that collects for others"
    )
    overlay: Path | None = Field(default=None, description="the lender's own numbers on top of the regimes: a file, see docs/law.md")

    sms: GatewaySettings | None = None
    voice: GatewaySettings | None = None
    in_app: GatewaySettings | None = None
    agency: GatewaySettings | None = None
    bureau: GatewaySettings | None = None
    legal: GatewaySettings | None = None
    loan_system: GatewaySettings | None = None
    events: EventsSettings | None = Field(
        default=None, description="where the loan system is told what happens; if it is not set, it is not told"
    )
    smtp: SmtpSettings | None = None
    artificial_voice: bool = Field(default=True, description="whether the voice gateway speaks with an artificial or recorded voice")
    call_timeout_seconds: PositiveFloat = Field(
        default=90, description="real seconds after which the voice gateway is asked for a call's outcome"
    )

    api: ApiSettings = ApiSettings()
    callback_base: BaseUrl = Field(default_factory=_api_itself, description="where gateways reach the API from outside")
    console_base: BaseUrl | None = Field(
        default=None,
        description="where operators reach the console; if it is not set, the callback base. With https, cookies are for https only",
    )
    temporal_ui: BaseUrl | None = Field(
        default=None, description="the Temporal UI with its namespace, where the console leads to a case's workflow"
    )
    local_accounts: bool = Field(default=True, description="whether operators may sign in with a password that Arrears keeps")
    oidc: OidcSettings | None = None
    metrics: MetricsSettings = MetricsSettings()

    @property
    def console_url(self) -> str:
        """Where operators reach the console, without a slash at its end."""
        return self.console_base or self.callback_base

    @property
    def console_is_https(self) -> bool:
        return self.console_url.startswith("https://")

    @property
    def old_ledger_keys(self) -> tuple[str, ...]:
        """The earlier ledger keys, one by one."""
        return _split(self.ledger_old_keys) if self.ledger_old_keys else ()

    def gateway(self, name: GatewayName) -> GatewaySettings | None:
        """The settings of an HTTP gateway, ``None`` if it is not configured (or is not HTTP: email)."""
        match name:
            case "email":
                return None
            case _:
                return getattr(self, name)

    def callback_url(self, name: GatewayName) -> str:
        """The address at which a gateway reports back."""
        return f"{self.callback_base}/v1/callbacks/{name}"
