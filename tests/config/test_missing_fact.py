"""A text that needs what is not known is refused as such: a paid loan has no day since which it is due."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from arrears.config.messages import MessageLibrary, MessageProblem
from arrears.config.settings import PACKAGED
from arrears.domain.message import Lender, MessageFacts
from arrears.domain.money import Money

PAID = MessageFacts(
    lender=Lender(name="x", service_line="1", complaint_line="2", pay_url="https://pay.example"),
    recipient_name="甲样本",
    borrower_name="甲样本",
    reference="L-1",
    product="cash_loan",
    today=date(2026, 11, 2),
    owed=Money(amount=Decimal(0), currency="CNY"),
    due_since=None,
    days_past_due=0,
    schedule=(),
    offers=(),
)


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_a_message_about_a_debt_that_is_paid_is_no_crash(locale: str):
    library = MessageLibrary(PACKAGED / "messages", "zh-CN")
    for slug in library.slugs(locale):
        try:
            library.render(slug, locale, PAID)
        except MessageProblem as problem:
            assert "due_since" in str(problem)
