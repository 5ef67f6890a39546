"""How people can be reached: numbers in E.164, email addresses, and the zone that a number tells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType
from phonenumbers.timezone import time_zones_for_number

from arrears.ledger.portfolio.entries import PointEntry
from arrears.ledger.tables import ContactKind

PHONES = (ContactKind.MOBILE, ContactKind.LANDLINE)

_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]+@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+")
_UNKNOWN_ZONE = "Etc/Unknown"
_TYPES = {
    ContactKind.MOBILE: {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PERSONAL_NUMBER},
    ContactKind.LANDLINE: {PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.VOIP, PhoneNumberType.UAN},
}


class AddressRefused(ValueError):
    """An address cannot be used: what is wrong, and what to do. Neither repeats the address."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def canonical(point: PointEntry, country: str | None) -> str:
    """The address in the one form in which it is stored. ``country`` is that of a number without ``+``. Raises ``AddressRefused``."""
    match point.kind:
        case ContactKind.MOBILE | ContactKind.LANDLINE:
            return _phone(point.address, point.kind, country)
        case ContactKind.EMAIL:
            if not _EMAIL.fullmatch(point.address):
                raise AddressRefused("is no email address", "give one such as someone@mail.example, or leave it out")
            local, _, domain = point.address.rpartition("@")
            return f"{local}@{domain.lower()}"
        case ContactKind.IN_APP:
            return point.address


def zones(points: Iterable[PointEntry]) -> set[str]:
    """The zones in which a person may be, as their canonical numbers tell; empty if none tells any."""
    found: set[str] = set()
    for point in points:
        if point.kind in PHONES:
            found.update(time_zones_for_number(phonenumbers.parse(point.address)))
    return found - {_UNKNOWN_ZONE}


@dataclass(frozen=True)
class Whereabouts:
    """Where a number is at home, as far as it tells: its country, and every zone in which its holder may be."""

    country: str | None = None
    zones: tuple[str, ...] = ()


def whereabouts(kind: ContactKind, address: str) -> Whereabouts:
    """What a canonical address tells of where it is; an email address or an account tells nothing."""
    if kind not in PHONES:
        return Whereabouts()
    number = phonenumbers.parse(address)
    country = phonenumbers.region_code_for_number(number)
    zones = tuple(sorted(set(time_zones_for_number(number)) - {_UNKNOWN_ZONE}))
    return Whereabouts(country if country and country.isalpha() else None, zones)


def _phone(written: str, kind: ContactKind, country: str | None) -> str:
    number = _parsed(written, country)
    if not phonenumbers.is_valid_number(number):
        raise AddressRefused("is no phone number that can exist", "correct it, or leave it out")
    if phonenumbers.number_type(number) not in _TYPES[kind]:
        raise AddressRefused(
            f"is no {kind} number", f"list it as {'landline' if kind is ContactKind.MOBILE else 'mobile'}, or leave it out"
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _parsed(written: str, country: str | None) -> PhoneNumber:
    if country is None and not written.startswith("+"):
        raise AddressRefused("is a number without its country", "write it with + and the country's code, or give the row's country")
    try:
        return phonenumbers.parse(written, country)
    except NumberParseException as wrong:
        raise AddressRefused("is no phone number", "write it like +8613000000001, or leave it out") from wrong
