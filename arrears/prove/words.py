"""The codes that the checker's law speaks of: what an outcome, a purpose and a role mean to it. They are read from the clauses, not from the core."""

from __future__ import annotations

import re

CALL = "call"
BY_PHONE = frozenset({"call", "sms"})
MESSAGES = frozenset({"sms", "email", "in_app"})
WRITTEN = frozenset({"sms", "email", "in_app", "letter"})
PHONES = frozenset({"mobile", "landline"})
KINDS_OF_CHANNEL = {
    "call": PHONES,
    "sms": frozenset({"mobile"}),
    "email": frozenset({"email"}),
    "in_app": frozenset({"in_app"}),
    "letter": frozenset({"postal"}),
    "visit": frozenset({"postal"}),
}

NEVER_LEFT = frozenset({"not_sent", "denied", "skipped"})
ANSWERED = frozenset(
    {
        "answered",
        "answered_willing",
        "answered_delaying",
        "answered_refusing",
        "answered_disputes",
        "answered_hardship",
        "effective_conversation",
    }
)
SPOKEN = ANSWERED | {"relayed", "relative_refused", "refused"}
"""Somebody meant to be reached was spoken to, whether they owe or not."""
RANG = frozenset({"no_answer", "busy", "voicemail"})
"""Dialled, and nobody spoke."""
NOT_CONNECTED = frozenset({"busy", "invalid_number", "not_in_service", "failed"})
"""The dialled number was not connected at all (12 CFR 1006.14(b)(3)(ii))."""
DIALLED_IN_VAIN = RANG | {"invalid_number", "not_in_service", "someone_else", "answered_wrong_party", "failed"}
"""A call attempt on a number that did not reach who was meant."""
MISSED = RANG | {"invalid_number", "not_in_service", "someone_else", "answered_wrong_party"}
"""The debtor was tried and not reached."""
CAME_BACK = frozenset({"bounced", "failed", "invalid_number"})
DECIDERS = frozenset({"supervisor", "risk_control"})
"""Who may give a yes."""
REFUSED = frozenset({"relative_refused", "refused"})
OPTED_OUT = frozenset({"opted_out", "opt_out"})
UNSURE = frozenset({None, "unknown"})
"""Nobody knows: it counts as the stricter of whatever it may have been."""

ASKS_FOR_MONEY = frozenset({"collect", "remind", "offer", None})
DEMANDS = frozenset({"collect", "remind", "offer"})
THROUGH_OTHERS = frozenset({"locate", "relay"})
ANSWERS = frozenset({"reply", "verification"})
NOTICES = frozenset({"notice"})
ASKS_FOR_NOTHING = frozenset({"reply", "verification", "confirm_opt_out", "terminate"})
"""What somebody may be told when nothing is owed any more."""
FAREWELLS = frozenset({"terminate", "may_remedy", "will_remedy"})
CONFIRMS = frozenset({"confirm_opt_out"})
OWED_TO_THEM = ANSWERS | NOTICES | CONFIRMS
"""What somebody who wants no contact may still get: the answer to what they asked, a notice that the law requires, and one confirmation of their wish."""

BORROWER = "borrower"
LIABLE = frozenset({"joint", "guarantor"})
ADVOCATES = frozenset({"attorney", "debt_adviser"})
"""Who speaks for the borrower by profession: the debt is theirs to hear of."""
REPRESENTS = frozenset({"legal_representative", "executor", "attorney", "debt_adviser"})
CONSUMERS = frozenset({"borrower", "joint", "guarantor", "spouse", "legal_representative", "executor"})
"""Who counts as the consumer in the United States: 12 CFR 1006.6(a)."""
SUITS = frozenset({"may_remedy", "will_remedy"})
"""Classes of message that say that somebody may be sued, or will be."""
STRANGER = "stranger"
"""Somebody who is tied to the loan in no way that we know of."""

CN, US, UK, INDIA, EU = "cn", "us", "uk", "in", "eu"
REGIMES = {"cn": CN, "us": US, "uk": UK, "gb": UK, "in": INDIA, "india": INDIA, "eu": EU}
"""Regimes by the names that a verdict may give them."""

_EU_STATES = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE"  # the 27
REGIME_OF_COUNTRY = {"CN": CN, "US": US, "GB": UK, "IN": INDIA} | dict.fromkeys(_EU_STATES.split(), EU)

DEBT_FACT = re.compile(
    r"逾期|欠款|债务|贷款|借款|还款|还清|催收|征信|账单|罚息|[¥￥$£€₹]\s*\d|\d\s*元|"
    r"\b(?:overdue|past due|debts?|loans?|owed?|owes|owing|repay\w*|arrears|collector|instal+ments?|CNY|USD|GBP|EUR|INR)\b",
    re.IGNORECASE,
)
"""What must not stand in a text for anybody but the debtor: a word that tells of a debt, or an amount of money."""

SILENT_CLASSES = frozenset({"locate_only"})
