"""How long personal data are kept: as long as the longest rule that applies says, and not a day longer.

active ──purpose met──▶ store_only ──term over──▶ deleted
"""

from __future__ import annotations

from enum import StrEnum


class Keeping(StrEnum):
    """What may be done with a person's data (CN-54). ``store_only``: nothing but keep them, because the law still wants that."""

    ACTIVE = "active"
    STORE_ONLY = "store_only"
    DELETED = "deleted"
