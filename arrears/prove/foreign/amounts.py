"""Amounts of money as strangers write them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_AROUND = re.compile(r"^[^\d+\-(.,]*|[^\d).,]*$")
_PLACES = Decimal("0.0001")
_MOST = Decimal(10) ** 14


def read_amount(text: str) -> Decimal:
    """The amount, to four places: ``1,234.50``, ``1.234,50``, ``€ 35``, ``(12.00)`` for a negative one. Raises ``ValueError``."""
    bare = _AROUND.sub("", text.strip()).replace(" ", "").replace("\u00a0", "")
    negative = bare.startswith("(") and bare.endswith(")")
    if negative:
        bare = bare[1:-1]
    comma, point = bare.rfind(","), bare.rfind(".")
    if comma >= 0 and point >= 0:
        bare = bare.replace(",", "") if point > comma else bare.replace(".", "").replace(",", ".")
    elif comma >= 0:
        thousands = re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", bare)
        bare = bare.replace(",", "") if thousands else bare.replace(",", ".")
    try:
        exact = Decimal(bare)
        if not exact.is_finite() or abs(exact) >= _MOST:
            raise ValueError("no amount")
        exact = exact.quantize(_PLACES)
    except InvalidOperation:
        raise ValueError("no amount") from None
    return -exact if negative else exact
