"""Mainland China: what may be said, and to whom. Without its text a message is judged by its class."""

from __future__ import annotations

from datetime import datetime

from arrears.domain.content import WordList, debt_facts
from arrears.domain.law.cn_facts import outsider
from arrears.domain.law.kit import deny
from arrears.domain.law.rule import Terms, contact, rule, tighter
from arrears.domain.law.standing import words_of
from arrears.domain.message import MessageClass
from arrears.domain.situation import Names, Situation
from arrears.domain.verdict import Objection


class Silence(Terms):
    """Which classes of message tell nothing of a debt, and the words that would."""

    classes: Names[MessageClass] = tighter("subset")
    words: tuple[WordList, ...] = ()


@rule("contact")
def cn_12(s: Situation, terms: Silence, now: datetime) -> Objection | None:  # noqa: ARG001
    """A contact is asked only where the debtor is, or to pass a message on; they are told nothing about the debt.

    GB/T 45251-2025 (5.3), number not seen; CBA 2026. No amount, product, overdue or creditor's words, in the text itself too.
    """
    if not outsider(s):
        return None
    message, limit = contact(s).message, ", ".join(sorted(terms.classes))
    if message is None or message.klass not in terms.classes:
        return deny(f"a message of class {message.klass if message else 'unknown'}", limit, "action.message")
    words = words_of(s)
    told = debt_facts(words, terms.words) if words else ()
    return deny(f"the text tells of the debt: {', '.join(flaw.entry for flaw in told)}", limit, "action.message.text") if told else None
