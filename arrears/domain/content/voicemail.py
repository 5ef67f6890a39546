"""The limited-content message: what a voicemail may say that anybody could hear. It is a grammar; whatever does not fit into it must not be said."""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

from arrears.domain.content.reading import visible
from arrears.domain.content.words import Flaw, WordList, says

_UPPER = r"[A-Z\u00c0-\u00de][\w'’\-]*"
_HAN = r"[\u3400-\u9fff]"
_SLOTS = {
    # Names begin with capitals: otherwise any sentence would be a long name.
    "person": rf"(?P<person>(?-i:{_UPPER}(?: (?:{_UPPER}|[A-Z]\.)){{0,3}}|{_HAN}{{2,4}}(?:·{_HAN}{{1,6}})?))",
    "business": rf"(?P<business>(?-i:(?:{_UPPER}|\d\w*)(?:(?: |, | & )(?:{_UPPER}|\d\w*|of|and|the)){{0,6}}|{_HAN}{{2,16}}))",
    "number": r"(?P<number>\+?\(?\d(?:[ \-()]{0,2}\d){4,14})",
}
_TIME_WORDS = (
    "today tomorrow any every each day days weekday weekdays week daily monday tuesday wednesday thursday friday saturday sunday mondays "
    "tuesdays wednesdays thursdays fridays saturdays sundays january february march april may june july august september october november "
    "december am pm noon midday eastern central mountain pacific local standard daylight time from to until till between and or at on by "
    "through before after the morning afternoon evening during business office hours st nd rd th oclock 今天 明天 每天 工作日 周一 周二 周三 周四 "
    "周五 周六 周日 星期 上午 下午 晚上 中午 年 月 日 号 点 时 分 至 到 或 和 之间 期间 从 在 以前 之前 以后 - 、"
)
_LATIN_TIMES = "|".join(word for word in _TIME_WORDS.split() if word.isascii() and word.isalpha())
_OTHER_TIMES = "|".join(re.escape(word) for word in _TIME_WORDS.split() if not (word.isascii() and word.isalpha()))
_SLOTS["times"] = rf"(?P<times>(?:(?:(?<![a-z])(?:{_LATIN_TIMES})(?![a-z])|{_OTHER_TIMES}|(?<!\d)\d{{1,2}}(?::\d{{2}})?(?!\d))[ ,]*)+)"
_HOUR = re.compile(r"\b([ap])\.\s?m\.", re.IGNORECASE)
_TITLE = re.compile(r"\b(mr|mrs|ms|dr)\.", re.IGNORECASE)
_INITIAL = re.compile(r"(?<=[a-z] )([A-Z])\.(?= [A-Z])")
_FIRM = re.compile(r"\b(inc|ltd|co|corp|llc|plc)\.(?!\s+[A-Z])", re.IGNORECASE)
_SLOTS["times"] = rf"(?P<times>(?:(?:(?<![a-z])(?:{_LATIN_TIMES})(?![a-z])|{_OTHER_TIMES}|(?<!\d)\d{{1,2}}(?::\d{{2}})?(?!\d))[ ,]*)+)"
_AFTER_HOUR = re.compile(rf"(?:(?<=\d[ap]m)|(?<=\d [ap]m)) (?=[A-Z])(?!(?:{_LATIN_TIMES})\b)", re.IGNORECASE)
_END_OF_SENTENCE = re.compile(r"[.!?;\n。！？；]+")
_EDGES = " ,:，：-—"
_LONGEST = 1000


class LimitedContent(BaseModel):
    """The sentences that such a message may consist of, and what it must say.

    A form is a sentence in lower case with the slots ``{person}``, ``{business}``, ``{number}`` and ``{times}``; ``[…]`` may be left out. ``requests``
    are the forms that ask for a reply. Any form may follow one of the ``greetings`` and a comma. ``hints`` is what the business may not be called.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clause: str = Field(min_length=1)
    greetings: tuple[str, ...] = Field(min_length=1)
    statements: tuple[str, ...] = Field(min_length=1)
    requests: tuple[str, ...] = Field(min_length=1)
    hints: WordList


def limited_content(text: str, grammar: LimitedContent) -> tuple[Flaw, ...]:
    """What keeps a text from being a limited-content message: a sentence too many, something missing, or a business name that hints at debts."""
    plain = visible(text).strip()
    if len(plain) > _LONGEST:
        return (_flaw("longer than any such message", grammar),)
    said = {"person": "", "business": "", "number": "", "request": ""}
    flaws: list[str] = []
    for at, sentence in enumerate(_sentences(plain), start=1):
        found = _fits(sentence, grammar)
        if found is None:
            flaws.append(f"sentence {at} is none of the permitted ones")
        else:
            said |= found
    flaws += [f"no {_MEANT[element]}" for element, value in said.items() if not value]
    flaws += [
        f"the name of the {_WHOSE[element]} hints at a debt" for element in _WHOSE if said[element] and says(said[element], grammar.hints)
    ]
    return tuple(_flaw(flaw, grammar) for flaw in flaws)


_WHOSE = {"business": "business", "person": "person to ask for"}
_MEANT = {
    "person": "name of somebody to ask for",
    "business": "name of the business",
    "number": "telephone number",
    "request": "request to reply",
}


def _sentences(text: str) -> list[str]:
    plain = _INITIAL.sub(r"\1", text)
    plain = _FIRM.sub(r"\1", _TITLE.sub(r"\1", _AFTER_HOUR.sub(". ", _HOUR.sub(r"\1m", plain))))
    return [found for piece in _END_OF_SENTENCE.split(plain) if (found := piece.strip(_EDGES))]


def _fits(sentence: str, grammar: LimitedContent) -> dict[str, str] | None:
    """What a sentence says by the first form that it fits; ``None`` if it fits none."""
    for form in (*grammar.requests, *grammar.statements):
        match = _form(form, grammar.greetings).fullmatch(sentence)
        if match:
            found = {slot: value.strip() for slot, value in match.groupdict().items() if value and slot != "times"}
            return found | ({"request": "yes"} if form in grammar.requests else {})
    return {} if sentence.lower() in grammar.greetings else None


@lru_cache(maxsize=512)
def _form(form: str, greetings: tuple[str, ...]) -> re.Pattern[str]:
    opening = "|".join(re.escape(greeting) for greeting in greetings)
    pieces = re.split(r"(\{\w+\}|\[|\])", form.replace(" [", "[ "))
    return re.compile(f"(?:(?:{opening})[ ,，]+)?" + "".join(_piece(piece) for piece in pieces), re.IGNORECASE)


def _piece(piece: str) -> str:
    match piece:
        case "[":
            return "(?:"
        case "]":
            return ")?"
        case _ if piece.startswith("{"):
            return _SLOTS[piece.strip("{}")]
        case _:
            return re.sub(r"(?:\\ )+", "[ ,]+", re.escape(piece))


def _flaw(entry: str, grammar: LimitedContent) -> Flaw:
    return Flaw(list="limited_content", entry=entry, clause=grammar.clause)
