"""A text as a reader takes it in: whatever its spelling does to hide a word from a machine is undone here first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser

_LOOK_ALIKES = str.maketrans(
    dict(pair for letter, alike in {
        "a": "аαɑ", "b": "вьβƅ", "c": "сϲᴄ", "d": "ԁđᴅ", "e": "еєεᴇ", "f": "ƒ", "g": "ɡɢ", "h": "һнʜ", "i": "іıιɩ", "j": "јϳ", "k": "кκᴋ",
        "l": "ӏʟłɭ", "m": "мᴍ", "n": "пηɴ", "o": "оοσøᴏօ", "p": "рρᴘþ", "q": "ԛ", "r": "гʀ", "s": "ѕꜱ", "t": "тτᴛ", "u": "иυᴜս", "v": "νѵᴠ",
        "w": "ԝωᴡ", "x": "хχ", "y": "уγʏ", "z": "ᴢ",
    }.items() for pair in zip(alike, letter * len(alike), strict=True))
)  # fmt: skip
"""Cyrillic, Greek and other letters that look Latin."""

_SIMPLIFIED = str.maketrans(
    "圓塊債貸還額錢徵斂賬帳號碼檢察機關憑證據訴訟傳鬥爭執強製剝奪無永遠終身記錄騙詐罰滯納總計應餘欠賴認識親屬單違約協議監獄逮捕嚴屬後會員報導曝眾親戚鄰們學校單聯繫絡騷擾壓鎖凍結產財萬億貳參陸幣遞簽領歸聯電話轉託負責償約書發時間開運貨條銀行資訊門戶黑損毀壞殺傷滅斷臉",
    "圆块债贷还额钱征敛账账号码检察机关凭证据诉讼传斗争执强制剥夺无永远终身记录骗诈罚滞纳总计应余欠赖认识亲属单违约协议监狱逮捕严属后会员报导曝众亲戚邻们学校单联系络骚扰压锁冻结产财万亿贰叁陆币递签领归联电话转托负责偿约书发时间开运货条银行资讯门户黑损毁坏杀伤灭断脸",
)
"""Traditional characters as far as the words of the lists are written with them."""

_LEET = str.maketrans("013457@$!", "oleastasi")
_BLANKS = re.compile(r"[^\S\n]+")
_COMBINING = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_EMPTY = frozenset("\u115f\u1160\u3164\uffa0\u2800\u180e")
_CJK_STOPS = str.maketrans({"，": " ， ", "！": " ！ ", "？": " ？ ", "：": " ： ", "；": " ； ", "、": " 、 "})
_WIDE_COMMA = re.compile(r"(?<=[０-９])，(?=[０-９])")
_SPELLED_OUT = re.compile(r"(?<![a-z0-9])(?:[a-z][\W_]{1,3}){2,40}[a-z](?![a-z0-9])")
_TOKEN = re.compile(r"[a-z0-9@$!]+")
_NOT_A_WORD = re.compile(r"[\W_]+")
_SHORTEST_SPELLED, _LONGEST_SPELLED = 3, 14


@lru_cache(maxsize=512)
def visible(text: str) -> str:
    """The text with one spelling for each character that a reader sees: no invisible characters, plain digits, compatible forms made ordinary.

    Upper and lower case and the marks of Chinese sentences stay; a Chinese comma never becomes one that groups digits.
    """
    whole = unicodedata.normalize("NFKC", _WIDE_COMMA.sub(",", text).translate(_CJK_STOPS))
    seen = unicodedata.normalize("NFC", whole).translate(_SEEN)
    return _BLANKS.sub(" ", seen)


@lru_cache(maxsize=512)
def folded(text: str) -> str:
    """The visible text in lower case, without accents, Latin look-alikes made Latin and traditional characters simplified."""
    bare = _COMBINING.sub("", unicodedata.normalize("NFD", visible(text).casefold()))
    return unicodedata.normalize("NFC", bare).translate(_LOOK_ALIKES).translate(_SIMPLIFIED)


@lru_cache(maxsize=512)
def words_of(text: str) -> str:
    """The folded text followed by what its disguises spell: ``o.v.e.r.d.u.e`` as one word, ``l0an`` with letters."""
    plain = folded(text)
    spelled_out = {word for match in _SPELLED_OUT.finditer(plain) for word in _within(_NOT_A_WORD.sub("", match.group()))}
    mixed = (token.translate(_LEET) for token in _TOKEN.findall(plain) if not token.isalpha() and any(c.isalpha() for c in token))
    return "\n".join((plain, *sorted(spelled_out), *mixed))


def _within(letters: str) -> Iterator[str]:
    """Every word that single letters in a row may spell: nobody knows where it begins."""
    for start in range(len(letters)):
        for end in range(start + _SHORTEST_SPELLED, min(len(letters), start + _LONGEST_SPELLED) + 1):
            yield letters[start:end]


@lru_cache(maxsize=512)
def squeezed(text: str) -> str:
    """The folded text with nothing but letters and digits left, so that no space or dot stands between two characters."""
    return _NOT_A_WORD.sub("", folded(text))


class _Seen(dict[int, str]):
    """What a reader sees of each character; looked up once."""

    def __missing__(self, code: int) -> str:
        self[code] = seen = _seen(chr(code))
        return seen


def _seen(char: str) -> str:
    match unicodedata.category(char):
        case _ if char in _EMPTY:
            return ""
        case "Nd":
            return str(unicodedata.decimal(char))
        case "Cf" | "Co" | "Cn":
            return ""
        case "Cc" | "Zs" | "Zl" | "Zp":
            return "\n" if char in "\n\u2028\u2029" else " "
        case "Mn" if "\ufe00" <= char <= "\ufe0f" or char == "\u034f":
            return ""
        case "Pd":
            return "-"
        case _:
            return char


_SEEN = _Seen()


class _Reader(HTMLParser):
    """Collects all that an HTML part tells: text, comments, and what pictures and links say when one points at them."""

    _BREAKS = frozenset({"p", "br", "div", "tr", "td", "th", "li", "h1", "h2", "h3", "h4", "table", "title", "body", "blockquote"})
    _SAYING = frozenset({"alt", "title", "content", "aria-label", "placeholder", "value"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._BREAKS:
            self.said.append("\n")
        self.said.extend(f" {value} " for name, value in attrs if name in self._SAYING and value)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BREAKS:
            self.said.append("\n")

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def handle_comment(self, data: str) -> None:
        self.said.append(f"\n{data}\n")


def text_of(html: str) -> str:
    """All that an HTML part tells its reader, or whoever looks into it, as text."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.said)
