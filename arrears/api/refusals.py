"""What the API's description says of errors: which problems an operation may answer, each with the code that programs go by and an example.

An answer with a code that its operation does not list here makes the tests of the API fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """A problem as it is answered: ``field`` names what is wrong, if one field is. Two of one code under two statuses are two."""

    status: HTTPStatus
    code: str
    said: str
    field: str | None = None

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.code}_{int(self.status)}" if self.code in _TWICE else self.code

    @property
    def body(self) -> dict[str, Any]:
        """The problem on the wire."""
        errors = [] if self.field is None else [{"field": self.field, "problem": self.said}]
        detail = f"{self.field}: {self.said}" if self.name in _NAME_THE_FIELD else self.said
        head = {"type": "about:blank", "title": self.status.phrase, "status": int(self.status)}
        return head | {"code": self.code, "detail": detail, "errors": errors}


@dataclass(frozen=True)
class Traits:
    """What of an operation decides how it can fail, whatever it does."""

    operation: str
    is_callback: bool
    writes: bool
    has_body: bool
    has_input: bool
    in_path: bool
    paged: bool
    signed: bool
    session: bool
    wants_reason: bool


_TWICE = {"case_refused", "reason_required"}
_NAME_THE_FIELD = {
    *("malformed", "bad_cursor", "fact_refused", "reason_unfit", "bad_idempotency_key", "message_id_used", "unknown_key"),
    *("case_refused_422", "reason_required_422"),
}
"""Those whose ``detail`` says once more which field it is."""

BAD_REQUEST = Refusal(HTTPStatus.BAD_REQUEST, "bad_request", "There was an error parsing the body")
BAD_KEY = Refusal(HTTPStatus.BAD_REQUEST, "bad_idempotency_key", "up to 255 visible ASCII characters, such as a UUID", "idempotency-key")
UNAUTHENTICATED = Refusal(
    HTTPStatus.UNAUTHORIZED, "unauthenticated", "show a token (Authorization: Bearer …), sign the request, or sign in to the console"
)
BAD_TOKEN = Refusal(HTTPStatus.UNAUTHORIZED, "bad_token", "the token is not known here, or no longer in force; ask for a new one")
TOKEN_IN_URL = Refusal(
    HTTPStatus.UNAUTHORIZED,
    "token_in_url",
    "a token does not belong into an address, which is written down in many places: replace it, and send it as Authorization: Bearer …",
)
BAD_SIGNATURE = Refusal(
    HTTPStatus.UNAUTHORIZED, "bad_signature", "sign the request with the secret of loan_system: Message timestamp too old"
)
SIGNED_OUT = Refusal(HTTPStatus.UNAUTHORIZED, "signed_out", "the session is over; sign in again")
FORBIDDEN = Refusal(HTTPStatus.FORBIDDEN, "forbidden", "till-7 may not record a payment")
CSRF = Refusal(HTTPStatus.FORBIDDEN, "csrf", "this form is not from your session here; load its page again and send it once more")
MUST_CHANGE = Refusal(HTTPStatus.FORBIDDEN, "must_change_password", "somebody else chose your password: choose your own at /password")
OTHER_AGENCY = Refusal(
    HTTPStatus.FORBIDDEN, "other_agency", "an agency lists its own cases only: GET /v1/cases?agency=agency-one", "agency"
)
HUMANS_ONLY = Refusal(HTTPStatus.FORBIDDEN, "humans_only", "till-7 is a machine; a human decides, signed in as themselves")
WRONG_ROLE = Refusal(HTTPStatus.FORBIDDEN, "wrong_role", "wei is collector, but supervisor must decide")
OWN_REQUEST = Refusal(HTTPStatus.FORBIDDEN, "own_request", "wei requested it; somebody else who is supervisor must decide it")
NOT_FOUND = Refusal(HTTPStatus.NOT_FOUND, "not_found", "Not Found")
NOT_CONFIGURED = Refusal(
    HTTPStatus.NOT_FOUND,
    "not_configured",
    "loan_system has no signing secret here; set ARREARS_LOAN_SYSTEM_URL and ARREARS_LOAN_SYSTEM_SECRET",
)
UNKNOWN_LOAN = Refusal(HTTPStatus.NOT_FOUND, "unknown_loan", "loan L-404 is not in the ledger; import it first", "loan_id")
UNKNOWN_PERSON = Refusal(
    HTTPStatus.NOT_FOUND, "unknown_person", "person B-404 is not in the ledger; import them with a loan first", "person_id"
)
UNKNOWN_PAYMENT = Refusal(HTTPStatus.NOT_FOUND, "unknown_payment", "payment P-404 is not in the ledger", "payment_id")
UNKNOWN_APPROVAL = Refusal(HTTPStatus.NOT_FOUND, "unknown_approval", "approval L-404.1/ask-relatives.1/a1 is not in the ledger")
UNKNOWN_TASK = Refusal(HTTPStatus.NOT_FOUND, "unknown_task", "task L-404.1/assign.1 is not in the ledger")
UNKNOWN_EVENT = Refusal(HTTPStatus.NOT_FOUND, "unknown_event", "there is no event evt_000000000404", "event_id")
UNKNOWN_KEY = Refusal(HTTPStatus.NOT_FOUND, "unknown_key", "voice was given no order under this key", "key")
TOO_SLOW = Refusal(HTTPStatus.REQUEST_TIMEOUT, "too_slow", "the body did not come within 30 seconds; send it at once")
KEY_CONFLICT = Refusal(
    HTTPStatus.CONFLICT,
    "idempotency_conflict",
    "this key was used for another request; take a new key for a new request",
    "idempotency-key",
)
KEY_IN_PROGRESS = Refusal(HTTPStatus.CONFLICT, "idempotency_in_progress", "the same request is being worked on; send it again in a moment")
MESSAGE_USED = Refusal(
    HTTPStatus.CONFLICT, "message_id_used", "was that of a message to another address; give each message its own", "webhook-id"
)
PAYMENT_CONFLICT = Refusal(
    HTTPStatus.CONFLICT,
    "payment_conflict",
    "payment P-7003 is booked already with another amount; a new payment needs a new id",
    "payment_id",
)
REVERSAL_CONFLICT = Refusal(
    HTTPStatus.CONFLICT,
    "reversal_conflict",
    "payment P-7003 was taken back at another instant or for another reason; that cannot be changed",
    "payment_id",
)
NO_CASE = Refusal(HTTPStatus.CONFLICT, "no_case", "loan L-1001 has no case; report a missed payment to open one")
CASE_CLOSED = Refusal(HTTPStatus.CONFLICT, "case_closed", "case L-1001.1 was closed as cured at 2026-11-24T01:00:00+00:00")
CASE_REFUSED = Refusal(HTTPStatus.CONFLICT, "case_refused", "the case refuses it: nothing is overdue")
ALREADY_DECIDED = Refusal(
    HTTPStatus.CONFLICT, "already_decided", "L-1001.1/ask-relatives.1/a1 was denied by wei at 2026-11-22T03:00:00+00:00"
)
VOID = Refusal(HTTPStatus.CONFLICT, "void", "L-1001.1/ask-relatives.1/a1 is void: payment")
EXPIRED = Refusal(
    HTTPStatus.CONFLICT,
    "expired",
    "L-1001.1/ask-relatives.1/a1 was to be decided before 2026-11-23T02:00:00+00:00; the step is passed over or asked for again",
)
TASK_TAKEN = Refusal(HTTPStatus.CONFLICT, "task_taken", "task L-1001.1/assign.1 was taken by wei; take another one")
TASK_OVER = Refusal(HTTPStatus.CONFLICT, "task_over", "task L-1001.1/assign.1 is done already by wei, since 2026-11-22T03:00:00+00:00")
FORGOTTEN = Refusal(
    HTTPStatus.GONE,
    "forgotten",
    "event evt_000000000042 was delivered more than 30 days ago; what it said is not kept any more",
    "event_id",
)
CHANGED_SINCE = Refusal(
    HTTPStatus.PRECONDITION_FAILED, "changed_since", "it has changed since you read it; read it again and decide anew", "if-match"
)
TOO_LARGE = Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "a body has at most 64 KiB here; send less at once")
NOT_JSON = Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_json", "send JSON in UTF-8, with the header Content-Type: application/json")
MALFORMED = Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", "Input should be greater than 0", "amount")
BAD_CURSOR = Refusal(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "bad_cursor",
    "is none that this list gave; take the next of a page with the same filters, or begin without one",
    "cursor",
)
REASON_UNFIT = Refusal(
    HTTPStatus.UNPROCESSABLE_ENTITY, "reason_unfit", "is longer than 200 characters; say it in a few words", "x-arrears-reason"
)
PAYMENT_REFUSED = Refusal(
    HTTPStatus.UNPROCESSABLE_ENTITY, "payment_refused", "payment P-7003 is in INR, but loan L-1001 is owed in CNY", "currency"
)
FACT_REFUSED = Refusal(
    HTTPStatus.UNPROCESSABLE_ENTITY, "fact_refused", "until must lie after at; leave out a hold that never was in force", "body"
)
CASE_REFUSED_FIELD = Refusal(
    HTTPStatus.UNPROCESSABLE_ENTITY, "case_refused", "a promise must fall between today and 14 days from now", "due_on"
)
DECISION_NEEDS_REASON = Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "reason_required", "say in your own words why you decide so", "reason")
REASON_REQUIRED = Refusal(
    HTTPStatus.PRECONDITION_REQUIRED,
    "reason_required",
    "say why you take a payment back, in a few words without personal data",
    "x-arrears-reason",
)
TOO_MANY = Refusal(
    HTTPStatus.TOO_MANY_REQUESTS, "too_many_calls", "600 calls a minute are allowed; wait 12 s, or report many payments in one batch"
)
TEMPORAL_AWAY = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "temporal_away",
    "the case cannot be asked just now; send the same request again in 10 seconds, it counts once",
)
LEDGER_BUSY = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "ledger_busy",
    "the ledger is busy, or cannot be reached; send the same again in a moment, it counts once",
)
PROOF_UNREADABLE = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "proof_unreadable", "the latest proof cannot be read; make it anew")

_BY_THE_CASE = (UNKNOWN_LOAN, NO_CASE, CASE_CLOSED, CASE_REFUSED, CASE_REFUSED_FIELD, TEMPORAL_AWAY)
_OF_A_LOAN = (UNKNOWN_LOAN, UNKNOWN_PERSON, FACT_REFUSED)
_OF_A_PERSON = (UNKNOWN_PERSON, FACT_REFUSED)
_ON_TASKS = (HUMANS_ONLY, WRONG_ROLE, UNKNOWN_TASK, TASK_TAKEN, TASK_OVER)
_OF_AN_AGENCYS_CASE = (OTHER_AGENCY, UNKNOWN_LOAN)

_OWN: Mapping[str, Sequence[Refusal]] = {
    "record_payment": (UNKNOWN_LOAN, PAYMENT_CONFLICT, PAYMENT_REFUSED),
    "report_missed_payment": (UNKNOWN_LOAN,),
    "reverse_payment": (UNKNOWN_PAYMENT, REVERSAL_CONFLICT),
    "tell_fact": (FACT_REFUSED,),
    "make_promise": _BY_THE_CASE,
    "agree_plan": _BY_THE_CASE,
    "withdraw_case": _BY_THE_CASE,
    "place_hold": _OF_A_LOAN,
    "lift_hold": _OF_A_LOAN,
    "record_dispute": _OF_A_LOAN,
    "record_complaint": _OF_A_LOAN,
    "read_people": (UNKNOWN_LOAN,),
    "read_messages": (UNKNOWN_LOAN,),
    "record_opt_out": _OF_A_PERSON,
    "withdraw_opt_out": _OF_A_PERSON,
    "record_consent": _OF_A_PERSON,
    "withdraw_consent": _OF_A_PERSON,
    "read_approval": (UNKNOWN_APPROVAL,),
    "decide_approval": (
        *(HUMANS_ONLY, WRONG_ROLE, OWN_REQUEST, UNKNOWN_APPROVAL, ALREADY_DECIDED, EXPIRED, VOID, CHANGED_SINCE, DECISION_NEEDS_REASON),
        *_BY_THE_CASE,
    ),
    "take_task": _ON_TASKS,
    "finish_task": (*_ON_TASKS, FACT_REFUSED),
    "list_agencies": (OTHER_AGENCY,),
    "keep_agency": (FACT_REFUSED,),
    "report_as_agency": (OTHER_AGENCY, FACT_REFUSED),
    "callback": (UNKNOWN_KEY, UNKNOWN_LOAN),
    "list_cases": (OTHER_AGENCY,),
    "read_case": _OF_AN_AGENCYS_CASE,
    "read_timeline": _OF_AN_AGENCYS_CASE,
    "list_verdicts": _OF_AN_AGENCYS_CASE,
    "list_payments": _OF_AN_AGENCYS_CASE,
    "list_events": (OTHER_AGENCY,),
    "read_event": (OTHER_AGENCY, UNKNOWN_EVENT),
    "replay_event": (UNKNOWN_EVENT, FORGOTTEN),
    "proof": (PROOF_UNREADABLE,),
}
"""What an operation refuses because of what it does, by its id."""


def refusals(of: Traits) -> Mapping[HTTPStatus, Sequence[Refusal]]:
    """All problems that an operation of ``/v1`` may answer, by status, those of the operation itself first."""
    found: dict[HTTPStatus, list[Refusal]] = {}
    for refusal in (*_OWN.get(of.operation, ()), *_of_many(of)):
        if refusal not in found.setdefault(refusal.status, []):
            found[refusal.status].append(refusal)
    return dict(sorted(found.items()))


def _of_many(of: Traits) -> Iterator[Refusal]:
    """What an operation may refuse because of how it is called."""
    yield BAD_SIGNATURE
    if of.signed:
        yield from (NOT_CONFIGURED, MESSAGE_USED)
    if not of.is_callback:
        yield from (UNAUTHENTICATED, BAD_TOKEN, TOKEN_IN_URL, FORBIDDEN, REASON_UNFIT)
    if of.session:
        yield from (SIGNED_OUT, MUST_CHANGE, *((CSRF,) if of.writes else ()))
    if of.wants_reason:
        yield REASON_REQUIRED
    if of.in_path:
        yield NOT_FOUND
    if of.has_body:
        yield from (BAD_REQUEST, TOO_SLOW)
    if of.writes:
        yield from (TOO_LARGE, NOT_JSON)
        if not of.is_callback:
            yield from (BAD_KEY, KEY_CONFLICT, KEY_IN_PROGRESS)
    if of.has_input:
        yield MALFORMED
    if of.paged:
        yield BAD_CURSOR
    yield from (TOO_MANY, LEDGER_BUSY)
