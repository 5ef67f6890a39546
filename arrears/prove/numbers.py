"""The country of a telephone number. The number itself is never kept."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers

_PREFIXES = {"+86": "CN", "+44": "GB", "+91": "IN"}
_ENOUGH_IN_AMERICA = 5


def country_of_number(number: str) -> str | None:
    """The country (ISO 3166) to which a number in E.164 belongs; ``None`` if it cannot be told."""
    known = _PREFIXES.get(number[:3])
    if known is not None:
        return known
    return _in_america(number[:_ENOUGH_IN_AMERICA]) if number.startswith("+1") else _elsewhere(number[:4])


@lru_cache(maxsize=4096)
def _in_america(beginning: str) -> str | None:
    """By the area code: the countries of America share +1."""
    return _region(f"{beginning}5550100")


@lru_cache(maxsize=4096)
def _elsewhere(beginning: str) -> str | None:
    return next((region for digits in (3, 2, 1) if (region := _country_code(beginning[1 : 1 + digits])) is not None), None)


def _country_code(digits: str) -> str | None:
    if not digits.isdigit():
        return None
    region = phonenumbers.region_code_for_country_code(int(digits))
    return None if region in ("ZZ", "001") else region


def _region(number: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(parsed)
    return "US" if region is None else region
