"""Mainland China: what may be said, and to whom. Without its text a message is judged by its class."""

from __future__ import annotations

from datetime import datetime

from arrears.domain.content import Block, WordList, account_numbers, amounts, debt_facts, found_in, wrong_amounts
from arrears.domain.law.cn_facts import ASKS_FOR_MONEY, borrowers_day, outsider
from arrears.domain.law.kit import deny, standing
from arrears.domain.law.rule import EVERYTHING, Terms, rule, tighter
from arrears.domain.law.standing import lacking, says, words_of
from arrears.domain.message import MessageClass
from arrears.domain.money import Amount
from arrears.domain.person import ConsentKind, Names
from arrears.domain.situation import LENDER, ContactAction, Situation
from arrears.domain.strategy import Channel, Referral
from arrears.domain.verdict import Objection

_TEXT = "action.message.text"
_THREATENS_TO_SUE = frozenset({MessageClass.MAY_REMEDY, MessageClass.WILL_REMEDY})


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
    message, limit = s.contact.message, ", ".join(sorted(terms.classes))
    if message is None or message.klass not in terms.classes:
        return deny(f"a message of class {message.klass if message else 'unknown'}", limit, "action.message")
    words = words_of(s)
    told = debt_facts(words, terms.words) if words else ()
    return deny(f"the text tells of the debt: {', '.join(flaw.entry for flaw in told)}", limit, _TEXT) if told else None


class Verified(Terms):
    """In which media a person is verified first, and before messages of which classes."""

    channels: Names[Channel] = tighter("superset")
    classes: Names[MessageClass] = tighter("superset", description="classes that speak of the debt")


@rule("contact")
def cn_18(s: Situation, terms: Verified, now: datetime) -> Objection | None:  # noqa: ARG001
    """Who is spoken to is verified to be the right person before anything is said about the debt.

    GB/T 45251-2025 (5.3), from memory. A script that contains the check does it; without script and check the class alone is judged.
    """
    action = s.contact
    if action.channel not in terms.channels or action.message is None or action.message.klass not in terms.classes:
        return None
    limit = "the person verified before the debt is spoken of"
    if action.verified_person is None and lacking(s, (Block.RIGHT_PARTY_CHECK,)):
        return deny("the script does not verify the person", limit, "action.message.blocks")
    return deny("the person was not verified", limit, "action.verified_person") if action.verified_person is False else None


class Lint(Terms):
    """Words that no message may say, as lists."""

    words: tuple[WordList, ...]


def _says(s: Situation, lists: tuple[WordList, ...]) -> Objection | None:
    return says(s, lists, "none of " + ", ".join(one.name for one in lists))


@rule("contact")
def cn_20(s: Situation, terms: Lint, now: datetime) -> Objection | None:  # noqa: ARG001
    """No message poses as police, court, prosecutor or government, or speaks as if it came from them.

    CBA 2026 (8 prohibitions), number not seen; measures for consumer protection of banks and insurers, art. 41.
    """
    return _says(s, terms.words)


@rule("contact")
def cn_21(s: Situation, terms: Lint, now: datetime) -> Objection | None:  # noqa: ARG001
    """No threats, no abuse, and nothing about spreading somebody's private matters.

    CBA 2026; Consumer Rights Law art. 27; Criminal Law art. 293.
    """
    return _says(s, terms.words)


class Honesty(Lint):
    """Words that no message may say, and those of a lawsuit, which need a decision."""

    lawsuit_words: tuple[WordList, ...]


@rule("contact")
def cn_22(s: Situation, terms: Honesty, now: datetime) -> Objection | None:  # noqa: ARG001
    """No invented blacklists, no false promises, no amount that the ledger does not have, no lawsuit that nobody decided on.

    CBA 2026, number not seen: no overstating of the amount or of the legal result.
    """
    message = s.contact.message
    if message is not None and message.klass is MessageClass.WILL_REMEDY and not s.loan.sued_for:
        return deny("a lawsuit is announced", "a lawsuit that a human decided on", "loans.sued_for")
    words, owed = words_of(s), s.loan.owed
    if words is None:
        return None
    figures = (*s.loan.figures, *((owed.amount,) if owed else ()))
    wrong = wrong_amounts(words, figures, owed.currency) if owed else amounts(words)
    if wrong:
        return deny(f"the text names {', '.join(map(str, wrong))}", "amounts of the ledger at this moment", _TEXT)
    return _says(s, terms.words if s.loan.sued_for else (*terms.words, *terms.lawsuit_words))


@rule("contact")
def cn_23(s: Situation, terms: Lint, now: datetime) -> Objection | None:  # noqa: ARG001
    """Nobody is pushed to borrow anew or to raise money illegally, and collecting costs the debtor no extra fee.

    CBA 2026, number not seen.
    """
    return _says(s, terms.words)


@rule("contact")
def cn_24(s: Situation, terms: Lint, now: datetime) -> Objection | None:
    """Nothing is posted in public, and nobody enters a home or an office without consent.

    CBA 2026, number not seen. There is no public channel here; a visit needs a consent to it.
    """
    if s.contact.channel is Channel.VISIT and not standing(s.recipient.consents, ConsentKind.VISIT, Channel.VISIT, now):
        return deny("no consent to a visit", "a consent to it", "people.consents")
    return _says(s, terms.words)


@rule("contact")
def cn_25(s: Situation, terms: Terms, now: datetime) -> Objection | None:  # noqa: ARG001
    """An agency's people contact nobody from private telephones or accounts, only from those that the agency has registered.

    CBA 2026, number not seen: not without the lender's consent.
    """
    action = s.contact
    if action.by == LENDER:
        return None
    limit = "a registered number or account"
    registered: frozenset[str] = s.agency.senders if s.agency else frozenset()
    if action.sender is None:
        return deny(f"nobody knows from where {action.by} makes contact", limit, "action.sender", (action.by,))
    return None if action.sender in registered else deny(f"{action.sender} is not registered", limit, "agencies.senders", (action.by,))


@rule("contact")
def cn_26(s: Situation, terms: Lint, now: datetime) -> Objection | None:  # noqa: ARG001
    """Nobody's personal information is published, and nobody is told that it will be.

    PIPL art. 25; Civil Code art. 1038. There is no public channel here, and every account is the recipient's own (AR-03).
    """
    return _says(s, terms.words)


class Ceiling(Terms):
    """The highest effective annual cost of a loan that is collected, in per cent."""

    most_percent: Amount = tighter("lower")


@rule(*EVERYTHING)
def cn_27(s: Situation, terms: Ceiling, now: datetime) -> Objection | None:  # noqa: ARG001
    """A loan whose cost lies above the legal ceiling is not collected and goes to nobody who would, until a lawyer has looked at it.

    Civil Code art. 680; provisions on private lending (2020) art. 25; Criminal Law art. 293-1: harassing for an illegal debt is a crime.
    """
    cost = s.loan.annual_cost
    asks = s.action.purpose in ASKS_FOR_MONEY if isinstance(s.action, ContactAction) else True
    if cost is None or cost <= terms.most_percent or not asks:
        return None
    return deny(f"{cost:f} % a year", f"at most {terms.most_percent:f} %", "loans.annual_cost")


class LetterParts(Terms):
    """What a collection letter must contain, in which media."""

    channels: Names[Channel] = tighter("superset")
    classes: Names[MessageClass] = tighter("superset")
    blocks: Names[Block] = tighter("superset")


@rule("contact")
def cn_29(s: Situation, terms: LetterParts, now: datetime) -> Objection | None:  # noqa: ARG001
    """A card's collection letter says who owes what, why and on what legal basis, and how to ask, object and give evidence.

    Measures for the supervision of credit cards of commercial banks, art. 69.
    """
    action = s.contact
    if action.channel not in terms.channels or action.message is None or action.message.klass not in terms.classes:
        return None
    missing = lacking(s, terms.blocks)
    if missing:
        return deny(f"without {', '.join(missing)}", ", ".join(sorted(terms.blocks)), "action.message.blocks")
    words = words_of(s)
    return deny("without the balance", "the balance", _TEXT) if words is not None and not amounts(words) else None


class Accounts(Lint):
    """Words that announce an account's number, and the names of data that are as sensitive."""

    fields: Names[str] = tighter("superset")


@rule(*EVERYTHING)
def cn_53(s: Situation, terms: Accounts, now: datetime) -> Objection | None:  # noqa: ARG001
    """No account, card or identity number stands in a message to anybody, or is handed over.

    PIPL art. 28, 29, 30: financial accounts are sensitive and need a specific purpose, necessity and separate consent.
    """
    if not isinstance(s.action, ContactAction):
        told = sorted(terms.fields & s.action.fields)
        return deny(f"would be told: {', '.join(told)}", "no sensitive data", "action.fields") if told else None
    words = words_of(s)
    numbers = account_numbers(words) if words else ()
    if numbers:
        return deny(f"the text contains {', '.join(flaw.entry for flaw in numbers)}", "no account numbers", _TEXT)
    return _says(s, terms.words)


@rule("contact")
def cn_58(s: Situation, terms: Lint, now: datetime) -> Objection | None:  # noqa: ARG001
    """No message says that a bad credit record lasts for ever: it is deleted five years after the default has ended.

    Regulation on the credit reporting industry, art. 16.
    """
    return _says(s, terms.words)


class Limitation(Terms):
    """After how many years an action is barred, and the words that threaten one."""

    years: int = tighter("lower", ge=1)
    lawsuit_words: tuple[WordList, ...]


@rule("contact", Referral.LAWSUIT, Referral.LAWYER)
def cn_68(s: Situation, terms: Limitation, now: datetime) -> Objection | None:
    """When the time for an action is over, nobody sues for the debt, and no message threatens to.

    Civil Code art. 188, 192, 195; provisions on limitation art. 8. That threats stop then is ours.
    """
    ends, today = s.loan.limitation_ends_on, borrowers_day(s, now)
    limit = "before the limitation of the action"
    if ends is None:
        unknown = s.about == Referral.LAWSUIT and (s.loan.days_past_due is None or s.loan.days_past_due >= terms.years * 365)
        return deny("nobody knows when the limitation ends", limit, "loans.limitation_ends_on") if unknown else None
    if today <= ends:
        return None
    observed = f"the limitation ended on {ends}"
    if not isinstance(s.action, ContactAction):
        return deny(observed, limit, "loans.limitation_ends_on")
    message = s.action.message
    if message is not None and message.klass in _THREATENS_TO_SUE:
        return deny(f"a message of class {message.klass}; {observed}", limit, "loans.limitation_ends_on")
    words = words_of(s)
    threats = found_in(words, terms.lawsuit_words) if words else ()
    said = ", ".join(flaw.entry for flaw in threats)
    return deny(f"the text says: {said}; {observed}", limit, "loans.limitation_ends_on") if threats else None


@rule("contact")
def cn_73(s: Situation, terms: Lint, now: datetime) -> Objection | None:  # noqa: ARG001
    """No threat to anybody's safety, and no public insult.

    Law on public security penalties (2012) art. 42; the police detain and fine for it.
    """
    return _says(s, terms.words)
