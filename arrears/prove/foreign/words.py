"""The words of a foreign log and what they mean here: events, outcomes, channels, parties.

Everything is compared in lower case, with spaces for all marks. A word that no table holds is understood by the words in it, and if that says nothing
it stays unknown: it is listed in the report, with the option that would explain it, and nothing is concluded from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, TypeVar

K = TypeVar("K")

_MARKS = re.compile(r"[\W_]+")


class Kind(StrEnum):
    """What a line of a log is about. The values are the words that ``--event WORD=…`` takes, beside the channels."""

    CONTACT = "contact"
    CALL = "call"
    SMS = "sms"
    EMAIL = "email"
    IN_APP = "in_app"
    LETTER = "letter"
    VISIT = "visit"
    PAYMENT = "payment"
    SETTLED = "settled"
    OWED = "owed"
    FEE = "fee"
    PROMISE = "promise"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    CEASE = "cease"
    REFUSAL = "refusal"
    DISPUTE = "dispute"
    DISPUTE_ANSWERED = "dispute_answered"
    ATTORNEY = "attorney"
    BANKRUPTCY = "bankruptcy"
    BREATHING_SPACE = "breathing_space"
    DECEASED = "deceased"
    INCAPACITY = "incapacity"
    HARDSHIP = "hardship"
    COMPLAINT = "complaint"
    HOLD = "hold"
    HOLD_LIFTED = "hold_lifted"
    AGENCY_NOTICE = "agency_notice"
    PLACEMENT = "placement"
    RECALL = "recall"
    NOTHING = "nothing"


CHANNELS = frozenset({Kind.CALL, Kind.SMS, Kind.EMAIL, Kind.IN_APP, Kind.LETTER, Kind.VISIT})
CONTACTS = CHANNELS | {Kind.CONTACT}
HOLDS = frozenset(
    {
        Kind.DISPUTE,
        Kind.ATTORNEY,
        Kind.BANKRUPTCY,
        Kind.BREATHING_SPACE,
        Kind.DECEASED,
        Kind.INCAPACITY,
        Kind.HARDSHIP,
        Kind.COMPLAINT,
        Kind.HOLD,
    }
)


class Meaning(NamedTuple):
    """What a word says: the kind of line, whether it came from the other side, and of a contact such as ``call answered`` how it went."""

    kind: Kind
    inbound: bool = False
    outcome: str | None = None


@lru_cache(maxsize=8192)
def plain(word: str) -> str:
    """A word as it is compared: lower case, single spaces for everything that is no letter or digit."""
    return _MARKS.sub(" ", word).strip().lower()


def _by_word(table: Mapping[K, str]) -> dict[str, K]:
    return {word.strip(): meaning for meaning, said in table.items() for word in said.split(",")}


_EVENTS: dict[str, Kind] = _by_word(
    {
        Kind.CONTACT: "contact, attempt, outreach, reminder, dunning, demand, notification, 催收, 联系",
        Kind.CALL: "call, phone, phone call, dial, ivr, telephone, voice, robocall, 电话, 拨打, 拨打电话, 外呼",
        Kind.SMS: "sms, text, text message, 短信, 发送短信",
        Kind.EMAIL: "email, e mail, 邮件, 电子邮件",
        Kind.IN_APP: "in app, inapp, app, push, push notification, whatsapp, wechat, wa, chat, im, line, 微信, 站内信, 私信",
        Kind.LETTER: "letter, post, postal, send fine, dunning letter, lawyer letter, 律师函, 信函, 催收函",
        Kind.VISIT: "visit, field visit, home visit, door knock, face to face, in person, inperson, 上门, 外访",
        Kind.PAYMENT: "payment, repayment, paid, pay, payment received, payment made, payment posted, partial payment, part payment, 还款, 入账, 支付",
        Kind.SETTLED: "settled, settlement, paid off, paid in full, payoff, cured, closed paid, case closed, account closed, 结清, 已结清",
        Kind.OWED: "owed, debt, due, overdue, invoice, bill, create fine, debt created, placed debt, balance, missed payment, 逾期",
        Kind.FEE: "fee, penalty, add penalty, interest, late fee, charge, 罚息, 滞纳金",
        Kind.PROMISE: "promise, ptp, promise to pay, payment promise, payment plan, plan agreed, 承诺还款",
        Kind.OPT_OUT: "opt out, optout, stop, unsubscribe, unsubscribed, do not contact, do not call, dnc, 拒绝联系, 退订",
        Kind.OPT_IN: "opt in, optin, resubscribe, start, consent given",
        Kind.CEASE: "cease, cease and desist, cease request, cease communication, c and d",
        Kind.REFUSAL: "refusal, relative refused, contact refused, third party refused",
        Kind.DISPUTE: "dispute, disputed, dispute received, appeal, objection, insert date appeal to prefecture, send appeal to prefecture, "
        "appeal to judge, 异议",
        Kind.DISPUTE_ANSWERED: "dispute answered, dispute resolved, verification sent, validation sent, receive result appeal from prefecture, "
        "notify result appeal to offender",
        Kind.ATTORNEY: "attorney, attorney represented, attorney notice, represented by attorney, 委托律师",
        Kind.BANKRUPTCY: "bankruptcy, bankrupt, chapter 7, chapter 13, insolvency, 破产",
        Kind.BREATHING_SPACE: "breathing space, moratorium, debt respite",
        Kind.DECEASED: "deceased, death, died, death notice, 死亡, 身故",
        Kind.INCAPACITY: "incapacity, mental incapacity, lacks capacity",
        Kind.HARDSHIP: "hardship, hardship request, financial hardship, 困难申请",
        Kind.COMPLAINT: "complaint, complaint received, 投诉",
        Kind.HOLD: "hold, hold placed, on hold, pause, suspend",
        Kind.HOLD_LIFTED: "hold lifted, resume, released, hold released",
        Kind.AGENCY_NOTICE: "agency notice, vendor notice, assignment notice, 委外告知",
        Kind.PLACEMENT: "placement, placed, assigned to agency, sent to agency, referred to agency, send for credit collection, 委外, 委外催收",
        Kind.RECALL: "recall, recalled, returned from agency",
        Kind.NOTHING: "nothing, insert fine notification, note, comment, status change, assignment, agent assigned, login, link opened, opened, clicked",
    }
)

_PARTS: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"\bpromise|\bptp\b|payment (plan|arrangement)|repayment plan", Kind.PROMISE),
        (r"payment (link|reminder|request|failed|declined|due|attempt)", Kind.NOTHING),
        (r"opt(ed)? ?out|unsubscrib|do not (call|contact|text|email)|\bdnc\b|\bstop (request|received)\b", Kind.OPT_OUT),
        (r"cease", Kind.CEASE),
        (r"dispute (answer|resolv|reject|clos|verif)|verification sent", Kind.DISPUTE_ANSWERED),
        (r"disput|appeal", Kind.DISPUTE),
        (r"paid in full|paid off|settled|settlement (paid|complete)|结清", Kind.SETTLED),
        (r"(payment|repayment|instal?ment) (received|made|posted|complete|success|cleared|paid)|还款", Kind.PAYMENT),
        (r"bankrupt|insolven", Kind.BANKRUPTCY),
        (r"deceased|death", Kind.DECEASED),
        (r"attorney|lawyer represent", Kind.ATTORNEY),
        (r"moratorium|breathing space", Kind.BREATHING_SPACE),
        (r"hardship", Kind.HARDSHIP),
        (r"complaint", Kind.COMPLAINT),
        (r"\b(deliver(ed|y)|opened|clicked|read|viewed|bounced?)\b", Kind.NOTHING),
        (r"\b(sms|text(ed)?|invite sent|短信)\b", Kind.SMS),
        (r"\b(e ?mail(ed)?|邮件)\b", Kind.EMAIL),
        (r"\b(whatsapp|wechat|push|in app|telegram|chat(bot)?)\b", Kind.IN_APP),
        (r"\b(letter|postal)\b", Kind.LETTER),
        (r"\b(visit|door)\b", Kind.VISIT),
        (r"\b(calls?|called|dial(ed|led)?|phone|telephone|voice|ivr|nabellen|bellen)\b|电话|拨打", Kind.CALL),
        (r"\b(agency|vendor|credit collection)\b", Kind.PLACEMENT),
    )
)
_INBOUND = re.compile(r"\b(in ?bound|incoming|received call|callback from|customer called|来电|呼入)\b")
_OUTBOUND = re.compile(r"\b(out ?bound|outgoing)\b")

_OUTCOMES: dict[str, str] = _by_word(
    {
        "answered": "answered, connected, contacted, effective, effective conversation, conversation, right party, right party contact, rpc, spoke, talked, "
        "success, successful, completed, 接通, 已接通, 有效通话",
        "answered_willing": "answered willing, promised, promise, ptp, promise to pay, willing, will pay, 承诺还款",
        "answered_delaying": "answered delaying, callback, call back, delaying, callback requested",
        "answered_refusing": "answered refusing, rtp, refuse to pay, refused to pay, 拒绝还款",
        "answered_disputes": "answered disputes, dispute, disputed, disputes",
        "answered_hardship": "answered hardship, hardship",
        "someone_else": "someone else, wrong party, wpc, third party, wrong party contact, answered wrong party, tpc, wrong person, 非本人",
        "no_answer": "no answer, noanswer, na, not answered, unanswered, rna, ring no answer, no contact, not contacted, unsuccessful, missed, dropped, "
        "abandoned, 未接, 无人接听, 未接通",
        "busy": "busy, engaged, 占线, 忙线",
        "voicemail": "voicemail, voice mail, answering machine, machine, left message, lm, am, 语音信箱",
        "invalid_number": "invalid number, invalid, wrong number, not in service, disconnected, number not in service, out of service, 空号, 停机",
        "delivered": "delivered, sent, submitted, read, opened, clicked, 送达, 已发送",
        "failed": "failed, bounced, undelivered, error, rejected, not connected, 发送失败",
        "not_sent": "not sent, cancelled, canceled, skipped, blocked",
        "opt_out": "opt out, optout, dnc, do not call, do not contact, stop",
        "refused": "refused, refusal, contact refused, relative refused",
        "relayed": "relayed, message taken",
        "cease": "cease, cease and desist",
        "deceased": "deceased, 死亡",
        "bankruptcy": "bankruptcy, bankrupt",
        "attorney": "attorney, attorney represented",
    }
)
SIGN_OF_OUTCOME: dict[str, Kind] = {
    "answered_willing": Kind.PROMISE,
    "answered_disputes": Kind.DISPUTE,
    "answered_hardship": Kind.HARDSHIP,
    "opt_out": Kind.OPT_OUT,
    "refused": Kind.REFUSAL,
    "cease": Kind.CEASE,
    "deceased": Kind.DECEASED,
    "bankruptcy": Kind.BANKRUPTCY,
    "attorney": Kind.ATTORNEY,
}
"""What a contact's outcome tells beside the contact itself."""

_PARTIES: dict[str, str] = _by_word(
    {
        "borrower": "borrower, debtor, customer, self, consumer, cardholder, rpc, primary, offender, 本人, 债务人",
        "joint": "joint, joint debtor, co borrower, coborrower, 共同债务人",
        "guarantor": "guarantor, surety, 担保人, 保证人",
        "spouse": "spouse, husband, wife, partner, 配偶",
        "emergency": "emergency, emergency contact, 紧急联系人",
        "contact": "contact, relative, family, friend, third party, reference, referee, neighbour, neighbor, colleague, mother, father, parent, sibling, "
        "brother, sister, 联系人, 亲属, 朋友, 第三人",
        "employer": "employer, workplace, 单位",
        "attorney": "attorney, lawyer, 律师",
        "executor": "executor, administrator, 遗嘱执行人",
        "legal_representative": "legal representative, guardian, 法定代理人",
        "debt_adviser": "debt adviser, debt advisor",
    }
)
_DIRECTIONS: dict[str, bool] = _by_word({True: "in, inbound, incoming, received, i, 呼入", False: "out, outbound, outgoing, sent, o, 呼出"})


@lru_cache(maxsize=8192)
def event(word: str) -> Meaning | None:
    """What a word of the event column means; ``None`` if it is not known."""
    said = plain(word)
    inbound = bool(_INBOUND.search(said))
    kind = _EVENTS.get(said) or _EVENTS.get(_INBOUND.sub(" ", said).strip()) or next((k for p, k in _PARTS if p.search(said)), None)
    return (
        None if kind is None else Meaning(kind, inbound, _outcome_beside(said, kind) if kind in CHANNELS and said not in _EVENTS else None)
    )


def _outcome_beside(said: str, kind: Kind) -> str | None:
    """The outcome that stands beside a channel's name: ``no answer`` of ``call no answer``."""
    rest = _OUTBOUND.sub(" ", _INBOUND.sub(" ", said))
    for pattern in (pattern for pattern, of in _PARTS if of is kind):
        rest = pattern.sub(" ", rest)
    return _OUTCOMES.get(" ".join(rest.split()))


@lru_cache(maxsize=8192)
def outcome(word: str) -> str | None:
    """The outcome that a word names; ``None`` if it is not known."""
    return _OUTCOMES.get(plain(word))


@lru_cache(maxsize=1024)
def channel(word: str) -> Kind | None:
    """The channel that a word names; ``None`` if it is not known."""
    said = plain(word)
    kind = _EVENTS.get(said) or next((k for p, k in _PARTS if k in CHANNELS and p.search(said)), None)
    return kind if kind in CHANNELS else None


@lru_cache(maxsize=1024)
def party(word: str) -> str | None:
    """What the person is to the debt; ``None`` if the word is not known."""
    return _PARTIES.get(plain(word))


@lru_cache(maxsize=256)
def inbound(word: str) -> bool | None:
    """Whether a direction is inbound; ``None`` if the word is not known."""
    return _DIRECTIONS.get(plain(word))
