"""The columns of a foreign log: which of ours each of its own is, by name, by synonym, or as the caller says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from arrears.prove.foreign.words import plain


class Column(StrEnum):
    """What a column can hold. Only a debt (or a person) and an instant are indispensable."""

    DEBT = "debt"
    PERSON = "person"
    EVENT = "event"
    AT = "at"
    TIME = "time"
    AMOUNT = "amount"
    PAID = "paid"
    TOTAL_PAID = "total_paid"
    FEE = "fee"
    CHANNEL = "channel"
    DIRECTION = "direction"
    OUTCOME = "outcome"
    PARTY = "party"
    POINT = "point"
    ZONE = "zone"
    COUNTRY = "country"
    AGENCY = "agency"
    PURPOSE = "purpose"
    KLASS = "class"
    LIFECYCLE = "lifecycle"


# In the order in which they are preferred: the first that a file has is taken.
_SYNONYMS: dict[Column, tuple[str, ...]] = {
    Column.DEBT: (
        "debt", "debt id", "case concept name", "case id", "caseid", "case", "loan", "loan id", "loan no", "loan number", "account", "account id",
        "account no", "account number", "acct", "acct id", "contract", "contract id", "contract no", "invoice", "invoice id", "claim id", "deal reference",
        "借据号", "贷款编号", "合同号", "案件编号", "订单号",
    ),
    Column.PERSON: (
        "person", "person id", "borrower id", "borrower", "debtor id", "debtor", "customer id", "customer", "client no", "consumer id", "cust id",
        "customer no", "party id", "user id", "借款人", "客户号", "客户编号", "用户id",
    ),
    Column.EVENT: (
        "event", "concept name", "event name", "event type", "activity", "activity name", "action", "action type", "action name", "type", "call type", "stage",
        "事件", "动作", "催收动作",
    ),
    Column.AT: (
        "instant", "at", "time timestamp", "timestamp", "event at utc", "event at", "event time", "event timestamp", "occurred at", "datetime", "date time",
        "complete timestamp", "start timestamp", "created at", "sent at", "called at", "call time", "call start", "call started at", "call start time",
        "started at", "start time", "call datetime", "contacted at", "contact time", "action time", "action date", "attempt time", "payment date",
        "paid at", "call date", "contact date", "sent date", "event date", "attempt date", "transaction date", "date of trans", "date",
        "时间", "催收时间", "拨打时间", "发送时间", "还款时间",
    ),
    Column.TIME: ("time", "hour", "time of day", "contact hour", "event clock"),
    Column.AMOUNT: ("amount", "value", "amt", "event amount", "金额"),
    Column.PAID: ("paymentamount", "payment amount", "amount paid", "paid amount", "collected amount", "amount collected", "paid", "还款金额"),
    Column.TOTAL_PAID: ("totalpaymentamount", "total payment amount", "total paid", "amount paid total"),
    Column.FEE: ("expense", "fee", "fee amount", "expenses"),
    Column.CHANNEL: ("channel", "medium", "method", "contact method", "communication channel", "contact type", "渠道", "催收方式"),
    Column.DIRECTION: ("direction", "call direction", "inbound outbound", "方向"),
    Column.OUTCOME: (
        "outcome", "result", "disposition", "call status", "call outcome", "call result", "payment status",
        "contact result", "contact outcome", "status", "结果", "通话结果",
    ),
    Column.PARTY: ("party", "role", "relation", "relationship", "contacted party", "recipient role", "party type", "关系"),
    Column.POINT: (
        "point", "contact point", "contact point id", "phone", "phone number", "number", "number called", "dialled number", "dialed number", "to", "address",
        "email address", "电话号码", "号码",
    ),
    Column.ZONE: ("zone", "timezone", "time zone", "tz", "时区"),
    Column.COUNTRY: ("country", "residence", "state", "jurisdiction", "国家"),
    Column.AGENCY: ("agency", "agency id", "vendor", "vendor id", "collector id", "dca", "agency name", "机构"),
    Column.PURPOSE: ("purpose",),
    Column.KLASS: ("class", "message class", "content class", "klass"),
    Column.LIFECYCLE: ("lifecycle transition", "lifecycle"),
}  # fmt: skip


class ColumnsUnusable(ValueError):
    """A file's columns cannot be read as a log; the message says what to do."""


@dataclass(frozen=True)
class Layout:
    """Where each of our columns stands in a file. ``names`` are the file's own."""

    places: Mapping[Column, int]
    names: Mapping[Column, str]

    def place(self, column: Column) -> int:
        """The index of a column, -1 if the file has none."""
        return self.places.get(column, -1)


def lay_out(header: Iterable[str], said: Mapping[str, str]) -> Layout:
    """Find our columns among a file's. ``said`` maps our names to the file's own and goes first. Raises ``ColumnsUnusable``."""
    own = [name.strip() for name in header]
    plains = [plain(name) for name in own]
    places: dict[Column, int] = {}
    for ours, theirs in said.items():
        if ours not in Column.__members__.values():
            raise ColumnsUnusable(f"there is no column {ours!r}; there are: {', '.join(Column)}")
        if theirs in own:
            places[Column(ours)] = own.index(theirs)
        elif plain(theirs) in plains:
            places[Column(ours)] = plains.index(plain(theirs))
    taken = set(places.values())
    for column, synonyms in _SYNONYMS.items():
        if column in places or (column is Column.TIME and Column.AT not in places):
            continue
        place = next((plains.index(s) for s in synonyms if s in plains and plains.index(s) not in taken), None)
        if place is not None:
            places[column] = place
            taken.add(place)
    if Column.DEBT not in places and Column.PERSON in places:
        places[Column.DEBT] = places[Column.PERSON]
    for needed, example in ((Column.DEBT, "loan_no"), (Column.AT, "called_on")):
        if needed not in places:
            raise ColumnsUnusable(f"no column is recognised as the {needed}; name it, such as --column {needed}={example}")
    return Layout(places, {column: own[place] for column, place in places.items()})
