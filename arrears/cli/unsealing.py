"""The ledger key in the hands of the checker: texts and birth dates can be judged while their people's keys exist. Nothing is written, not even a key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from arrears.config.settings import Settings
from arrears.ledger.keys import KEY_FILE
from arrears.ledger.vault import Field, Keyring, SealBroken, Vault, WrongKey, decode_key
from arrears.prove.database import Database, connect

_MOST_HELD = 20_000
_TAMPERED = "\ufffd"
"""Stands for a text whose seal is broken: whatever it was, it is not what was sealed."""


class _StoredKey(NamedTuple):
    person_id: str
    wrapped_key: bytes | None
    wrapped_by: str | None
    store_only_since: datetime | None


@dataclass
class Unsealer:
    """Opens sealed values of one ledger. It can be handed to other processes; each opens the ledger for itself when it first needs a key."""

    url: str
    key: bytes = field(repr=False)
    old_keys: tuple[bytes, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        self._vault: Vault | None = None
        self._database: Database | None = None
        self._held: dict[str, _StoredKey] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url, "key": self.key, "old_keys": self.old_keys}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)

    def __call__(self, name: str, owners: tuple[str, ...], sealed: bytes) -> str | None:
        """The value; nothing if somebody's key is destroyed or locked by another ledger key. A text with a broken seal is a text that was changed."""
        try:
            return self._ring(owners).open(owners, Field(name), sealed)  # pyright: ignore[reportArgumentType] (sealed bytes, as they stand there)
        except WrongKey:
            return None
        except SealBroken:
            return _TAMPERED if name == Field.TEXT else None

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _ring(self, owners: tuple[str, ...]) -> Keyring:
        if self._vault is None or self._database is None:
            self._vault, self._database = Vault(self.key, self.old_keys), connect(self.url)
        if missing := [owner for owner in owners if owner not in self._held]:
            if len(self._held) > _MOST_HELD:
                self._held.clear()
                missing = list(owners)
            sql = "SELECT person_id, wrapped_key, wrapped_by, store_only_since FROM subject_keys WHERE person_id {ids}"
            self._held.update((row[0], _StoredKey(*row)) for row in self._database.read(sql, missing))
        return self._vault.ring(self._held[owner] for owner in owners if owner in self._held)  # pyright: ignore[reportArgumentType]


def unsealer(settings: Settings, ledger_url: str) -> Unsealer | None:
    """What opens this ledger's seals, if its key is at hand."""
    if settings.ledger_key is not None:
        text = settings.ledger_key.get_secret_value()
    elif (file := settings.data_dir / KEY_FILE).is_file():
        text = file.read_text(encoding="ascii")
    else:
        return None
    return Unsealer(ledger_url, decode_key(text), tuple(decode_key(key) for key in settings.old_ledger_keys))
