"""The law: one function a rule, named by its id, with its clause; their numbers are in ``config/regimes``."""

from arrears.domain.law import (
    cn_care,
    cn_contact,
    cn_content,
    cn_handover,
    cn_people,
    eu,
    house,
    india,
    uk,
    us_calls,
    us_content,
    us_notices,
    us_people,
)
from arrears.domain.law.rule import RULES, Rule, Terms

__all__ = [
    "RULES",
    "Rule",
    "Terms",
    "cn_care",
    "cn_contact",
    "cn_content",
    "cn_handover",
    "cn_people",
    "eu",
    "house",
    "india",
    "uk",
    "us_calls",
    "us_content",
    "us_notices",
    "us_people",
]
