"""What a browser must show besides its cookie, and the reason that somebody gives for what they do."""

from __future__ import annotations

import hmac
import re
import unicodedata
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from fastapi import Request

from arrears.api.problems import FieldProblem, Problem

REASON_HEADER = "x-arrears-reason"
REASON_FIELD = "reason"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
LONGEST_REASON = 200

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, so that it does not matter who had a browser send them."""

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_FROM_HERE = frozenset({"same-origin", "none"})
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s()._·\u2010-\u2015\u2212-]+(?=\d)")
_PERSONAL = re.compile(r"\d{7,}|[^\s@]+@[^\s@]+")


async def form_is_ours(request: Request, csrf: str) -> None:
    """Raise ``Problem`` (403) unless a page of ours had the browser send this: it comes from this origin and carries the session's token.

    The token stands in the form's field ``csrf`` or in the header ``X-CSRF-Token``. ``api.caller.identify`` asks this for every write of a browser.
    """
    refuse_foreign(request)
    given = request.headers.get(CSRF_HEADER) or await form_field(request, CSRF_FIELD)
    if not hmac.compare_digest(given.encode(), csrf.encode()):
        raise Problem(HTTPStatus.FORBIDDEN, "csrf", "this form is not from your session here; load its page again and send it once more")


def refuse_foreign(request: Request) -> None:
    """Raise ``Problem`` (403) for what another site had the browser send."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = (
        site not in _FROM_HERE if site is not None else origin is not None and address_parts(origin).netloc != request.headers.get("host")
    )
    if foreign:
        raise Problem(HTTPStatus.FORBIDDEN, "csrf", "another site had your browser send this; nothing was done")


def address_parts(address: str) -> SplitResult:
    """The parts of an address that a browser, or somebody else, gave; none of what is no address at all."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


async def form_field(request: Request, name: str) -> str:
    """A text field of the form that is sent; empty if there is none."""
    if not request.headers.get("content-type", "").lower().startswith(_FORMS):
        return ""
    value = (await request.form()).get(name)
    return value if isinstance(value, str) else ""


async def reason_given(request: Request) -> str | None:
    """Why the caller says they do it: the header ``X-Arrears-Reason``, or the form's field ``reason``. Raises ``Problem`` (422)."""
    if REASON_HEADER in request.headers or request.method in SAFE_METHODS:
        return reason_in_header(request)
    return plain_reason(await form_field(request, REASON_FIELD))


def reason_in_header(request: Request) -> str | None:
    """Why a caller says they do it, in the header ``X-Arrears-Reason``. Raises ``Problem`` (422)."""
    header = request.headers.get(REASON_HEADER)
    return None if header is None else plain_reason(_as_utf8(header), REASON_HEADER)


def plain_reason(said: str, field: str = REASON_FIELD) -> str | None:
    """A reason as it goes into the record; ``None`` if nothing was said. Raises ``Problem`` (422) if it is long, or looks like personal data."""
    reason = " ".join("".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFKC", said)).split())
    if len(reason) > LONGEST_REASON:
        raise _unfit(field, f"is longer than {LONGEST_REASON} characters; say it in a few words")
    if _PERSONAL.search(_BETWEEN_DIGITS.sub("", _DATE.sub("", reason))):
        raise _unfit(
            field,
            "holds what looks like a phone number, an identity number or an e-mail address; it stays in the record, so say it without",
        )
    return reason or None


def _unfit(field: str, problem: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "reason_unfit", f"{field}: {problem}", [FieldProblem(field=field, problem=problem)])


def _as_utf8(header: str) -> str:
    """A header's text; HTTP gives it as Latin-1, clients write UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
