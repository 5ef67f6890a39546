"""Sealed values open with their person's key, for their field, and nowhere else."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from sqlmodel import col, select

from arrears.config.settings import Settings
from arrears.domain.retention import Keeping
from arrears.ledger import vault
from arrears.ledger.engine import Ledger
from arrears.ledger.keys import KEY_FILE, open_vault
from arrears.ledger.tables import PersonRow, Sealed, SubjectKeyRow
from arrears.ledger.vault import Field, Held, KeyMissing, Keyring, SealBroken, Vault, WrongKey, keyring
from tests.ledger.scene import lend
from tests.sealing import KEY, VAULT, key_of, keys_of

NAME = "王示例"
OTHER = bytes(reversed(KEY))
GONE = Keyring({"B-1": Held(None, Keeping.DELETED), "P-1": Held(key_of("P-1"), Keeping.ACTIVE)})


def in_words(key: bytes) -> SecretStr:
    return SecretStr(base64.b64encode(key).decode())


class TestASeal:
    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_opens_to_what_was_sealed(self, plain: str) -> None:
        keys = keys_of("B-1")
        assert keys.open("B-1", Field.NAME, keys.seal("B-1", Field.NAME, plain)) == plain

    def test_shows_nothing(self) -> None:
        assert NAME.encode() not in keys_of("B-1").seal("B-1", Field.NAME, NAME)

    def test_is_another_one_each_time(self) -> None:
        keys = keys_of("B-1")
        assert keys.seal("B-1", Field.NAME, NAME) != keys.seal("B-1", Field.NAME, NAME)

    @pytest.mark.parametrize(("person", "field"), [("P-1", Field.NAME), ("B-1", Field.ADDRESS)], ids=["another person", "another field"])
    def test_does_not_open_for(self, person: str, field: Field) -> None:
        keys = keys_of("B-1", "P-1")
        sealed = keys.seal("B-1", Field.NAME, NAME)
        with pytest.raises(SealBroken, match="changed, or moved") as broken:
            keys.open(person, field, sealed)
        assert NAME not in str(broken.value)

    def test_is_bound_to_its_person_even_if_two_had_the_same_key(self) -> None:
        same = Keyring({person: Held(KEY, Keeping.ACTIVE) for person in ("B-1", "P-1")})
        with pytest.raises(SealBroken):
            same.open("P-1", Field.NAME, same.seal("B-1", Field.NAME, NAME))

    @given(st.integers(min_value=0), st.integers(0, 7))
    def test_breaks_with_every_bit(self, byte: int, bit: int) -> None:
        keys = keys_of("B-1")
        sealed = bytearray(keys.seal("B-1", Field.NAME, NAME))
        sealed[byte % len(sealed)] ^= 1 << bit
        with pytest.raises(SealBroken):
            keys.open("B-1", Field.NAME, Sealed(bytes(sealed)))

    @pytest.mark.parametrize("rest", [b"", b"\1", b"\1short"])
    def test_that_is_none_is_broken(self, rest: bytes) -> None:
        with pytest.raises(SealBroken):
            keys_of("B-1").open("B-1", Field.NAME, Sealed(rest))


class TestAnErasedPerson:
    def test_cannot_be_read(self) -> None:
        assert GONE.open("B-1", Field.NAME, keys_of("B-1").seal("B-1", Field.NAME, NAME)) is None

    def test_takes_what_was_said_to_others_about_them_along(self) -> None:
        keys = keys_of("B-1", "P-1")
        told = keys.seal(("P-1", "B-1"), Field.TEXT, f"{NAME} owes")
        assert keys.open(("B-1", "P-1"), Field.TEXT, told) == f"{NAME} owes"
        assert GONE.open(("P-1", "B-1"), Field.TEXT, told) is None

    def test_gets_nothing_sealed_any_more(self) -> None:
        with pytest.raises(SealBroken, match="erased"):
            GONE.seal("B-1", Field.NAME, NAME)

    def test_is_told_from_one_whose_data_are_only_kept(self) -> None:
        stored = Keyring({"B-1": Held(KEY, Keeping.STORE_ONLY)})
        assert (GONE.erased("B-1"), GONE.usable("B-1")) == (True, False)
        assert (stored.erased("B-1"), stored.usable("B-1")) == (False, False)


class TestMarks:
    def test_tell_equal_addresses_of_one_person(self) -> None:
        keys = keys_of("B-1", "P-1")
        assert keys.mark("B-1", "+8613000000001") == keys.mark("B-1", "+8613000000001") != keys.mark("B-1", "+8613000000002")

    def test_do_not_tell_who_shares_an_address(self) -> None:
        keys = keys_of("B-1", "P-1")
        assert keys.mark("B-1", "+8613000000001") != keys.mark("P-1", "+8613000000001")


class TestTheLedgerKey:
    async def test_opens_what_stands_in_the_ledger(self, ledger: Ledger) -> None:
        await lend(ledger)
        async with ledger.reading() as session:
            row = (await session.exec(select(PersonRow).where(col(PersonRow.id) == "B-1"))).one()
            assert (await keyring(session, ["B-1"])).open("B-1", Field.NAME, row.name) == NAME

    async def test_is_checked_when_the_ledger_is(self, ledger: Ledger, url: str) -> None:
        await lend(ledger)
        other = Ledger(url, Vault(OTHER))
        with pytest.raises(WrongKey, match=f"{VAULT.fingerprint}.*not by the one given.*ARREARS_LEDGER_KEY"):
            await other.check()
        async with other.reading() as session:
            with pytest.raises(WrongKey):
                await keyring(session, ["B-1"])
        await other.close()

    async def test_is_not_needed_for_what_is_not_sealed(self, ledger: Ledger, url: str) -> None:
        await lend(ledger)
        blind = Ledger(url)
        await blind.check()
        async with blind.reading() as session:
            assert len((await session.exec(select(PersonRow))).all()) == 3
            with pytest.raises(KeyMissing):
                await keyring(session, ["B-1"])
        await blind.close()

    async def test_can_be_changed(self, ledger: Ledger, url: str) -> None:
        await lend(ledger)
        both = Ledger(url, Vault(OTHER, [KEY]))
        await both.check()
        async with both.session() as session:
            people = await vault.strangers(session)
            assert (people, await vault.rewrap(session, people)) == (["B-1", "P-1", "P-2"], 3)
        async with both.session() as session:
            assert await vault.strangers(session) == []
        await both.close()

        new = Ledger(url, Vault(OTHER))
        await new.check()
        async with new.reading() as session:
            row = (await session.exec(select(PersonRow).where(col(PersonRow.id) == "B-1"))).one()
            assert (await keyring(session, ["B-1"])).open("B-1", Field.NAME, row.name) == NAME
        await new.close()
        with pytest.raises(WrongKey):
            await ledger.check()

    async def test_a_wrapped_key_cannot_be_given_to_another_person(self, ledger: Ledger) -> None:
        await lend(ledger)
        async with ledger.session() as session:
            mine, hers = [
                (await session.exec(select(SubjectKeyRow).where(col(SubjectKeyRow.person_id) == person))).one() for person in ("B-1", "P-1")
            ]
            mine.wrapped_key = hers.wrapped_key
            await session.flush()
            with pytest.raises(SealBroken):
                await keyring(session, ["B-1"])

    def test_never_shows_itself(self) -> None:
        for thing in (VAULT, VAULT.wrap("B-1", KEY), Held(KEY, Keeping.ACTIVE), Settings(ledger_key=in_words(KEY))):
            assert KEY.hex() not in repr(thing)
            assert base64.b64encode(KEY).decode() not in repr(thing)
            assert repr(KEY)[2:-1] not in repr(thing)


class TestWhereTheLedgerKeyComesFrom:
    def test_an_embedded_ledger_makes_its_own_and_keeps_it(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path)
        assert open_vault(settings).fingerprint == open_vault(settings).fingerprint
        file = tmp_path / KEY_FILE
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]

    def test_one_that_is_set_comes_first(self, tmp_path: Path) -> None:
        assert open_vault(Settings(data_dir=tmp_path, ledger_key=in_words(KEY))).fingerprint == VAULT.fingerprint
        assert list(tmp_path.iterdir()) == []

    def test_a_ledger_on_a_server_needs_one(self, tmp_path: Path) -> None:
        with pytest.raises(KeyMissing, match=r"ARREARS_LEDGER_KEY is not set.*openssl rand -base64 32"):
            open_vault(Settings(data_dir=tmp_path, ledger_url="postgresql+asyncpg://somewhere/ledger"))
        assert list(tmp_path.iterdir()) == []

    def test_a_spoilt_key_file_is_not_replaced(self, tmp_path: Path) -> None:
        (tmp_path / KEY_FILE).write_text("spoilt")
        with pytest.raises(WrongKey, match="holds no ledger key"):
            open_vault(Settings(data_dir=tmp_path))

    @pytest.mark.parametrize("wrong", ["hush", base64.b64encode(bytes(16)).decode(), "!" * 44])
    @pytest.mark.parametrize("name", ["ledger_key", "ledger_old_keys"])
    def test_what_is_no_key_is_refused_with_a_remedy(self, name: str, wrong: str) -> None:
        given: dict[str, Any] = {name: wrong}
        with pytest.raises(ValidationError, match="openssl rand -base64 32") as refused:
            Settings(**given)
        assert wrong not in str(refused.value)

    def test_old_keys_open_what_they_locked(self) -> None:
        old = SecretStr(f"{in_words(OTHER).get_secret_value()}, {in_words(bytes(32)).get_secret_value()}")
        opened = open_vault(Settings(ledger_key=in_words(KEY), ledger_old_keys=old))
        assert all(opened.knows(Vault(key).fingerprint) for key in (KEY, OTHER, bytes(32)))
