"""What a Chinese page shows in English: nothing but ids, codes and citations. Sentences of other rooms are found in their sources, pages are loaded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import SQLModel

import arrears
from arrears.api.caller import SESSION_COOKIE
from arrears.api.console.render import words
from arrears.domain.message import NoticeKind
from arrears.domain.person import ConsentKind, WishKind
from arrears.domain.strategy import Channel, Role, TaskKind
from arrears.domain.verdict import Effect
from arrears.ledger.tables import (
    ConsentRow,
    DeliveryRow,
    DeliveryState,
    Direction,
    HoldRow,
    NoticeRow,
    ReportedContactRow,
    VerdictRow,
    WishRow,
)
from arrears.ledger.timeline import EntryKind
from tests.console.conftest import OPERATORS, Console
from tests.console.scene import asked, cased, task, unreached

HOME = Path(arrears.__file__).parent
ENGLISH = re.compile(r"[A-Za-z']{2,} [A-Za-z']{2,}")
SAMPLE = "X-1"

TOLD_BY = (
    *("domain/apply.py", "domain/planner.py", "domain/conditions.py", "workflows/view.py"),
    *("api/door.py", "api/problems.py", "api/portfolio_routes.py", "api/paging.py", "api/idempotency.py"),
    *("api/console/desk.py", "api/console/audit.py", "api/console/inbox_cards.py", "api/operations/telling.py"),
    *("api/console/signing_in.py", "api/console/oidc.py", "api/console/__init__.py"),
    *("ledger/worklists.py", "ledger/search/asked.py", "ledger/search/finding.py", "ledger/audit_trail.py", "ledger/figures/model.py"),
    *("ledger/facts/writing.py", "ledger/facts/people.py", "ledger/timeline/of_cases.py", "ledger/timeline/of_people.py"),
)
"""Where sentences are made that a page shows as they come: why a case waits, why a step was passed over, what is wrong with a request."""

SAYS: dict[str, tuple[int, ...]] = {
    "Problem": (2,),
    "FactRefused": (1, 2),
    "WorkListRefused": (0,),
    "WorkListUnknown": (0,),
    "NameTaken": (0,),
    "CursorRefused": (0,),
    "ValueError": (0,),
    "_unfit": (1,),
    "Close": (1,),
    "Recall": (2,),
    "Wait": (1, 2),
    "_Wake": (1,),
}
"""Which arguments of a call are such a sentence; of several, the sentence is ``one: other``."""
RETURNS = {"objection", "_reasons", "_about_other_rungs", "_about_the_loan", "_next", "_why"}
NAMED = {"why", "void_why", "text"}
ASSIGNED = {"said", "problem", "detail", "text", "opened"}
NOT_AT_A_PAGE = (
    "up to 255 visible ASCII characters, such as a UUID",
    "X-1: up to 255 visible ASCII characters, such as a UUID",
    "Idempotency-Key: X-1",
    "X-1; report a missed payment to open one",
    "the provider calls itself by another name than ARREARS_OIDC_ISSUER",
)
"""What only programs are told, or what is put together of sentences that stand here by themselves."""


def texts(node: ast.expr) -> Iterator[str]:
    """What an expression can say, with a sample for whatever is put into it."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else SAMPLE for part in parts)
        case ast.IfExp(body=one, orelse=other) | ast.BoolOp(values=[one, other]):
            yield from texts(one)
            yield from texts(other)
        case ast.Tuple(elts=parts):
            for part in parts:
                yield from texts(part)
        case _:
            return


def sentences(path: Path) -> Iterator[str]:
    """The sentences that a module makes for people to read."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=keywords):
                wanted = [[*texts(args[n])] for n in SAYS.get(name, ()) if n < len(args)]
                if name == "FactRefused":
                    yield from map(": ".join, product(*wanted))
                else:
                    yield from (text for found in wanted for text in found)
                yield from (text for given in keywords if given.arg in NAMED for text in texts(given.value))
            case ast.FunctionDef(name=name) if name in RETURNS:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return | ast.Yield) and inner.value is not None:
                        yield from texts(inner.value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in ASSIGNED:
                yield from texts(value)
            case _:
                pass


@pytest.mark.parametrize("told_by", TOLD_BY)
def test_whatever_another_room_tells_an_operator_is_said_in_chinese(told_by: str) -> None:
    chinese = words("zh-CN")
    found = {text for text in sentences(HOME / told_by) if " " in text} - {*NOT_AT_A_PAGE}
    assert found, f"{told_by} says nothing any more: take it off the list"
    assert sorted(text for text in found if ENGLISH.search(chinese.code(text))) == []


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("1294.19 CNY overdue; the ladder goes on", "逾期 1294.19 CNY；催收流程继续"),
        ("the ladder stands still: complaint, dispute", "催收流程停止：投诉、异议"),
        ("person_id: P_1 is not in the ledger: import the loan first", "人员：账本中没有 P_1：请先导入贷款"),
        ("days_to lies below days_from", "逾期天数（到） 小于 逾期天数（从）"),
        ("days_to: Input should be less than or equal to 36500; text: Field required", "逾期天数（到）：不能大于 36500；编号：此项必填"),
        ("call first-call.1", "拨打电话 first-call.1"),
    ],
)
def test_ids_amounts_and_codes_in_a_sentence_stay_and_are_said(english: str, chinese: str) -> None:
    assert words("zh-CN").told(english) == chinese


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("held for minor; it is about P-1", "冻结原因：未成年；涉及 P-1"),
        ("held for complaint until 2026-11-30 09:00 UTC; it bars north only", "冻结原因：投诉，至 2026-11-30 09:00 UTC；仅限制 north"),
        (
            "no longer held for bankruptcy; placed on loan L-2, it reaches every loan of B-1",
            "已解除冻结：破产；在贷款 L-2 上设置，对 B-1 的所有贷款有效",
        ),
        ("B-1 wishes no contact by in-app", "B-1 要求：不要以应用内消息联系"),
        ("B-1 took a wish back: no contact at contact point 12", "B-1 撤回要求：不要通过联系方式 12 联系"),
        ("P-1 wishes no contact between 08:00 and 12:00", "P-1 要求：08:00 至 12:00 之间不要联系"),
        (
            "B-1 agreed to more calls; only by call; it ends 2026-11-30 09:00 UTC",
            "B-1 同意：更多通话；仅限电话；至 2026-11-30 09:00 UTC 止",
        ),
        ("B-1 took a consent back: hours; only between 18:00 and 20:00", "B-1 撤回同意：时段；仅限 18:00 至 20:00"),
        ("call with borrower reported: no answer; told by north", "登记了与借款人的电话联系：无人接听；由 north 告知"),
        ("notice default to B-1: came back", "致 B-1 的通知（违约）：被退回"),
    ],
)
def test_what_people_wish_and_what_reaches_them_is_said_in_chinese(english: str, chinese: str) -> None:
    assert words("zh-CN").code(english) == chinese


@pytest.mark.parametrize("kind", EntryKind)
def test_every_kind_of_thing_that_happens_has_a_chinese_name(kind: EntryKind) -> None:
    assert not words("zh-CN").code("contact made" if kind is EntryKind.CONTACT else kind).isascii()


def test_a_sentence_that_nobody_has_translated_stays_as_it_is() -> None:
    assert words("zh-CN").told("the moon stands over L_1: look up") == "the moon stands over L_1: look up"


class _Shown(HTMLParser):
    """The texts that a page shows: not those of another language, nor ids and codes."""

    _APART = frozenset({"code", "script", "style", "kbd", "title"})
    _VOID = frozenset({"meta", "link", "input", "br", "img", "hr", "use", "rect", "line", "path", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        apart = tag in self._APART or given.get("lang", "zh-CN") != "zh-CN" or "id" in (given.get("class") or "").split()
        if not apart:
            self.texts += [text for name in ("title", "aria-label", "placeholder", "data-label") if (text := given.get(name))]
        if tag not in self._VOID:
            self._open.append(apart)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._open):
            self.texts.append(data)


def in_english(page: str) -> list[str]:
    """The words of a page that ought to be Chinese and are English."""
    shown = _Shown()
    shown.feed(page)
    return sorted({text.strip() for text in shown.texts if ENGLISH.search(text)})


LOAN = "L-1001"
PAGES: tuple[tuple[Role, str, int], ...] = (
    (Role.SUPERVISOR, "/inbox?show=all", 200),
    (Role.COLLECTOR, "/inbox?show=all", 200),
    (Role.SUPERVISOR, "/inbox/keys", 200),
    (Role.SUPERVISOR, "/cases", 200),
    (Role.SUPERVISOR, "/cases?state=closed", 200),
    (Role.SUPERVISOR, "/cases?days_from=many&owed_from=-1&sort=none&opened_from=soon", 422),
    (Role.SUPERVISOR, "/cases?days_from=9&days_to=1", 422),
    (Role.SUPERVISOR, "/cases?after=nothing", 422),
    (Role.SUPERVISOR, "/cases/L-none", 404),
    (Role.SUPERVISOR, "/cases/L-1001", 200),
    (Role.SUPERVISOR, "/portfolio", 200),
    (Role.SUPERVISOR, "/portfolio?since=soon", 422),
    (Role.SUPERVISOR, "/portfolio?since=2026-11-02&until=2026-11-01", 422),
    (Role.SUPERVISOR, "/portfolio?since=1999-11-02", 422),
    (Role.SUPERVISOR, "/rules", 200),
    (Role.SUPERVISOR, "/proof", 200),
    (Role.SUPERVISOR, "/proof/page", 404),
    (Role.SUPERVISOR, "/proof?head=1", 422),
    (Role.SUPERVISOR, "/audit", 403),
    (Role.COLLECTOR, "/portfolio", 403),
    (Role.AUDITOR, "/audit", 200),
    (Role.AUDITOR, "/audit?since=soon", 422),
    (Role.AUDITOR, "/audit?since=2026-11-02&until=2026-11-01", 422),
    (Role.AUDITOR, "/audit?cursor=1", 422),
    (Role.ADMIN, "/password", 200),
    (Role.ADMIN, "/nowhere", 404),
)


def _wished(at: datetime) -> list[SQLModel]:
    """What the borrower wished, agreed to and took back, and a notice that came back."""
    person: dict[str, Any] = {"person_id": f"P-{LOAN}", "recorded_at": at}
    return [
        WishRow(kind=WishKind.NO_MEDIUM, channel=Channel.IN_APP, at=at, withdrawn_at=at, source="lender", **person),
        WishRow(kind=WishKind.NO_HOURS, starts="08:00", ends="12:00", at=at, source="lender", **person),
        ConsentRow(kind=ConsentKind.ARTIFICIAL_VOICE, channel=Channel.CALL, given_at=at, withdrawn_at=at, evidence="the form", **person),
        NoticeRow(loan_id=LOAN, kind=NoticeKind.VALIDATION, sent_at=at, bounced_at=at, **person),
        ReportedContactRow(source="north", key="c-1", loan_id=LOAN, channel=Channel.CALL, direction=Direction.OUT, at=at, **person),
    ]


async def test_a_chinese_page_has_no_english_words_in_it(console: Console) -> None:
    """Pages that are full, pages that are empty, and what is said of an address that makes no sense."""
    await console.add(
        *cased(LOAN),
        *cased("L-1002"),
        *unreached("L-1002", "L-1002.1"),
        task(LOAN, console.now()),
        task(LOAN, console.now(), kind=TaskKind.LEGAL_CONSULTATION, role=Role.SUPERVISOR),
        VerdictRow(
            attempt_id=f"{LOAN}.1/sms.1",
            case_id=f"{LOAN}.1",
            decided_at=console.now(),
            verdict=Effect.DENY,
            rules=["US-20", "CN-01"],
            observed=[],
            facts_hash="0" * 64,
            permanent=True,
        ),
        HoldRow(loan_id=LOAN, reason="dispute", placed_at=console.now()),
        HoldRow(loan_id="L-1002", person_id=f"P-{LOAN}", reason="bankruptcy", placed_at=console.now()),
        *_wished(console.now()),
        DeliveryRow(
            id="msg-1", key="opened", kind="case.opened", loan_id=LOAN, body={}, state=DeliveryState.DEAD, recorded_at=console.now()
        ),
    )
    await asked(console.ledger, LOAN, console.now())
    said: dict[str, list[str]] = {}
    async with httpx.AsyncClient(base_url=console.url, headers={"accept-language": "zh-CN", "accept": "text/html"}) as http:
        for role, path, status in PAGES:
            http.cookies = httpx.Cookies({SESSION_COOKIE: await console.begin(OPERATORS[role][0])})
            answer = await http.get(path)
            assert answer.status_code == status, (path, answer.status_code)
            if found := in_english(answer.text):
                said[path] = found
        http.cookies.clear()
        door = await http.get("/login")
        said |= {"/login": found} if (found := in_english(door.text)) else {}
    assert said == {}
