"""The United States: what a message must say and must not. Without its text a message is judged by its class, without its parts by nothing more."""

from __future__ import annotations

from datetime import datetime

from arrears.domain.content import Block, LimitedContent, WordList, deadlines, debt_facts, found_in, limited_content
from arrears.domain.law.kit import deny
from arrears.domain.law.rule import Terms, rule, tighter
from arrears.domain.law.standing import day_in, electronic, lacking, points_of, says, words_of
from arrears.domain.law.us_notices import Period, first_communication, validation_ends
from arrears.domain.law.us_people import CONSUMERS, Collector, opted_out_of_address, speaks_to_a_consumer
from arrears.domain.message import MessageClass, NoticeKind
from arrears.domain.orders import Purpose
from arrears.domain.outcome import ANSWERED, Outcome
from arrears.domain.person import Names, Relation
from arrears.domain.situation import Situation
from arrears.domain.strategy import Channel
from arrears.domain.verdict import Objection

_EXCEPTIONS = frozenset({Purpose.CONFIRM_OPT_OUT, Purpose.REPLY, Purpose.NOTICE})
_SURELY_HEARD = ANSWERED | {Outcome.DELIVERED, Outcome.OPTED_OUT}


class Parts(Terms):
    """Parts that a message must contain, by the names of blocks."""

    blocks: Names[Block] = tighter("superset")


class Silence(Terms):
    """The words that would tell of a debt."""

    words: tuple[WordList, ...] = ()


class Honesty(Parts):
    """What a call must open with, and the words that pretend or threaten."""

    words: tuple[WordList, ...] = ()


class Voicemail(Terms):
    """The grammar of the message that anybody may hear."""

    grammar: LimitedContent


@rule("contact")
def us_18(s: Situation, terms: Parts, now: datetime) -> Objection | None:
    """Every electronic message says how to opt out of that address, simply and free; once the person did, nothing more goes to it.

    12 CFR 1006.6(e). One confirmation is allowed by US-17.
    """
    action = s.contact
    if not electronic(action.channel):
        return None
    refused = opted_out_of_address(s, now)
    if refused and action.purpose not in _EXCEPTIONS:
        return deny("they opted out of this address", "an address that they did not opt out of", "people.wishes", points_of(refused))
    if s.relation not in CONSUMERS or (action.message and action.message.klass is MessageClass.OPT_OUT_CONFIRMATION):
        return None
    missing = lacking(s, terms.blocks)
    return deny(f"without {', '.join(missing)}", "a way to opt out in the message", "action.message.blocks") if missing else None


@rule("contact")
def us_24(s: Situation, terms: Silence, now: datetime) -> Objection | None:  # noqa: ARG001
    """Who asks a third person where the consumer is gives their own name, says that they confirm location information, and never that a debt is owed.

    12 CFR 1006.10(b)(1)–(4); 15 U.S.C. 1692b(1), (2), (4), (5).
    """
    action = s.contact
    if action.purpose is not Purpose.LOCATE or s.relation in CONSUMERS or s.relation is Relation.ATTORNEY:
        return None
    limit = "a message about location information only"
    if action.message is None or action.message.klass is not MessageClass.LOCATE_ONLY:
        return deny(f"a message of class {action.message.klass if action.message else 'unknown'}", limit, "action.message.class")
    words = words_of(s)
    told = debt_facts(words, terms.words) if words else ()
    return deny(f"the text tells of the debt: {', '.join(flaw.entry for flaw in told)}", limit, "action.message.text") if told else None


@rule("contact")
def us_27(s: Situation, terms: Voicemail, now: datetime) -> Objection | None:  # noqa: ARG001
    """A voicemail that anybody could hear: a business name that gives nothing away, a person's name, a number, a request to reply, little else.

    12 CFR 1006.2(j). It is an attempt all the same, and its call counts (US-01).
    """
    action = s.contact
    if action.message is None or action.message.klass is not MessageClass.LIMITED_CONTENT:
        return None
    limit = "a voicemail with nothing but the permitted sentences"
    if action.channel is not Channel.CALL:
        return deny(f"a limited-content message by {action.channel}", limit, "action.channel")
    flaws = limited_content(action.message.text, terms.grammar) if action.message.text is not None else ()
    return deny("; ".join(flaw.entry for flaw in flaws), limit, "action.message.text") if flaws else None


class Disclosure(Collector):
    """What the first communication must contain, and what every later one."""

    first: Names[Block] = tighter("superset")
    later: Names[Block] = tighter("superset")


@rule("contact")
def us_30(s: Situation, terms: Disclosure, now: datetime) -> Objection | None:
    """The first communication says that it is an attempt to collect a debt; every later one that it comes from a debt collector.

    12 CFR 1006.18(e)(1), (2), (4). The first one also says that what is learned will be used for it; both in the language of the rest.
    """
    if not speaks_to_a_consumer(s) or not terms.bind(s):
        return None
    if s.contact.purpose is Purpose.CONFIRM_OPT_OUT or s.contact.channel is Channel.VISIT:
        return None
    before = first_communication(s, now)
    surely = before is not None and before.outcome in _SURELY_HEARD
    missing = lacking(s, terms.later if surely else terms.first)
    # Who says more than a later message needs says enough.
    if not missing or (surely and not lacking(s, terms.first)):
        return None
    return deny(f"without {', '.join(missing)}", "the collector's disclosure", "action.message.blocks")


@rule("contact")
def us_31(s: Situation, terms: Honesty, now: datetime) -> Objection | None:  # noqa: ARG001
    """Who calls says who they are; and no message pretends to come from an authority, threatens with crime or arrest, or insults.

    12 CFR 1006.14(g); words: 1006.14, 1006.18(b), (c); 15 U.S.C. 1692d, 1692e.
    """
    action = s.contact
    klass = action.message.klass if action.message else None
    spoken = action.channel is Channel.CALL and klass not in (MessageClass.LIMITED_CONTENT, MessageClass.LOCATE_ONLY)
    if spoken and (missing := lacking(s, terms.blocks)):
        return deny(f"without {', '.join(missing)}", "the caller's identity", "action.message.blocks")
    return says(s, terms.words, "no pretence, threat or insult")


@rule("contact")
def us_43(s: Situation, terms: Period, now: datetime) -> Objection | None:
    """Within the validation period nothing overshadows the right to dispute: no earlier day to pay by, no hurry.

    12 CFR 1006.38(b)(1); the period: 1006.34(b)(5) (US-41). It begins with the validation information.
    """
    words, message = words_of(s), s.contact.message
    if words is None or not speaks_to_a_consumer(s) or not terms.bind(s) or (message and message.notice is NoticeKind.VALIDATION):
        return None
    today, ends = day_in(now, s.borrower.zone), validation_ends(s, terms, now)
    if ends is None or today > ends:
        return None
    limit = f"nothing that is due before the validation period ends on {ends}"
    hurry = [flaw.entry for flaw in found_in(words, terms.words)]
    early = [str(day) for day in deadlines(words, today) if day <= ends]
    return deny(f"the text hurries: {', '.join((*hurry, *early))}", limit, "action.message.text") if hurry or early else None
