"""Where the ledger key comes from: the settings, or for a ledger on this machine a file that only its owner reads."""

from __future__ import annotations

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import make_url

from arrears.config.settings import Settings
from arrears.ledger.vault import KEY_BYTES, KeyMissing, Vault, WrongKey, decode_key

KEY_FILE = "ledger.key"


def open_vault(settings: Settings) -> Vault:
    """The vault of the ledger that the settings name. An embedded ledger without a key gets one, in ``ledger.key`` of the data directory.

    Raises ``KeyMissing`` for a ledger on a server without ``ARREARS_LEDGER_KEY``, ``WrongKey`` for a key file that holds none.
    """
    old = tuple(decode_key(key) for key in settings.old_ledger_keys)
    if settings.ledger_key is not None:
        return Vault(decode_key(settings.ledger_key.get_secret_value()), old)
    if make_url(settings.ledger_url).get_backend_name() != "sqlite":
        raise KeyMissing(
            "ARREARS_LEDGER_KEY is not set: personal data in the ledger are sealed with it; make one with `openssl rand -base64 32`, "
            "give it to every process, and keep a copy apart from the ledger's backups: without it they cannot be read"
        )
    return Vault(_key_in(settings.data_dir / KEY_FILE), old)


def _key_in(path: Path) -> bytes:
    if not path.exists():
        _make(path)
    try:
        return decode_key(path.read_text(encoding="ascii"))
    except ValueError as wrong:
        raise WrongKey(
            f"{path} holds no ledger key, which is the base64 of {KEY_BYTES} bytes; put it back from where you keep its copy"
        ) from wrong


def _make(path: Path) -> None:
    """Make the file, whole and readable by its owner only; if somebody else is faster, theirs stands."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
