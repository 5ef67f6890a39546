"""What a strategy's author surely did not mean: rungs that can never be taken, messages that are not there, institutions before the borrower is told.

These are checks of a file, not of the format: a case that runs an older version keeps running it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import time

from arrears.config.messages import MessageLibrary, MessageProblem, MessageUnknown
from arrears.domain.message import MessageClass
from arrears.domain.strategy import ContactRung, Referral, ReferralRung, RelativesRung, Rung, Strategy

_TOLD_FIRST = frozenset({Referral.AGENCY, Referral.OVERDUE_LIST, Referral.CREDIT_REPORT, Referral.DEBT_SALE})
_LAST_MINUTE = 24 * 60 - 1

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Doubt:
    """Something that the format allows and nobody wants: where, what, what to do."""

    place: Place
    problem: str
    remedy: str


@dataclass(frozen=True)
class _Placed:
    """A rung with its place in the file and the ladder that it belongs to."""

    place: Place
    rung: Rung
    ladder: tuple[Rung, ...]

    def named(self, name: str) -> Rung:
        return next(r for r in self.ladder if r.rung == name)


def doubts(strategy: Strategy, file_name: str, messages: MessageLibrary | None) -> Iterator[Doubt]:
    """Everything doubtful about a strategy; its messages are looked up only if a library is given."""
    if strategy.strategy != file_name:
        yield Doubt(("strategy",), f"{strategy.strategy!r} does not match the file's name", f"name the file {strategy.strategy}.yaml")
    yield from _tracks(strategy)
    for placed in _placed(strategy):
        for check in _RUNG_CHECKS:
            yield from check(strategy, placed)
        if messages is not None:
            yield from _message(placed, messages)


def _placed(strategy: Strategy) -> Iterator[_Placed]:
    for n, rung in enumerate(strategy.ladder):
        yield _Placed(("ladder", n), rung, strategy.ladder)
    for t, track in enumerate(strategy.tracks):
        for n, rung in enumerate(track.ladder):
            yield _Placed(("tracks", t, "ladder", n), rung, track.ladder)


def _tracks(strategy: Strategy) -> Iterator[Doubt]:
    reasons = [t.while_held_for for t in strategy.tracks]
    for n, reason in enumerate(reasons):
        if reason in reasons[:n]:
            yield Doubt(("tracks", n, "while_held_for"), f"an earlier track runs for {reason!r} already", "give each track its own reason")


def _in_window(strategy: Strategy, placed: _Placed) -> Iterator[Doubt]:
    rung, window = placed.rung, strategy.window
    if not (window.start <= rung.at and _latest(rung) < window.end):
        until = f" (up to {_latest(rung):%H:%M} with its spread)" if rung.spread_minutes else ""
        yield Doubt(
            (*placed.place, "at"),
            f"{rung.at:%H:%M}{until} lies outside the lender's hours",
            f"keep within {window.start:%H:%M} and {window.end:%H:%M}, or widen `window`",
        )


def _before_end(strategy: Strategy, placed: _Placed) -> Iterator[Doubt]:
    if strategy.end and placed.place[0] == "ladder" and placed.rung.days[-1] >= strategy.end.day:
        yield Doubt(
            (*placed.place, "day"), f"the ladder ends on day {strategy.end.day}", "let the rung fall before that day, or move `end`"
        )


def _follows_call(_: Strategy, placed: _Placed) -> Iterator[Doubt]:
    rung, name = placed.rung, placed.rung.only_if.not_reached_by
    if name is None:
        return
    call, place = placed.named(name), (*placed.place, "only_if", "not_reached_by")
    if not isinstance(call, ContactRung) or call.do != "call":
        yield Doubt(place, f"{name!r} is no call to the borrower", "name a rung that calls the borrower")
        return
    if lonely := [day for day in rung.days if day not in call.days]:
        yield Doubt(place, f"on day {lonely[0]} {name!r} is not due", "let both rungs fall on the same days")
    if rung.at < _latest(call):
        yield Doubt(
            (*placed.place, "at"), f"{rung.at:%H:%M} comes before {name!r} has surely been tried", f"choose {_latest(call):%H:%M} or later"
        )


def _told_first(_: Strategy, placed: _Placed) -> Iterator[Doubt]:
    rung = placed.rung
    if isinstance(rung, ReferralRung) and rung.to in _TOLD_FIRST and not rung.only_if.made_before:
        yield Doubt(
            placed.place,
            f"rung {rung.rung!r} goes to the {rung.to} although nothing makes sure that the borrower was told",
            "add only_if: made_before: [the rung that tells them]",
        )


def _can_come_after(_: Strategy, placed: _Placed) -> Iterator[Doubt]:
    rung = placed.rung
    for n, name in enumerate(rung.only_if.made_before or ()):
        other = placed.named(name)
        if (other.day, other.at) >= (rung.days[-1], rung.at):
            yield Doubt((*placed.place, "only_if", "made_before", n), f"{name!r} is not due before this rung", "name an earlier rung")


def _amounts_meet(_: Strategy, placed: _Placed) -> Iterator[Doubt]:
    wanted = placed.rung.only_if
    if wanted.owed_from is not None and wanted.owed_below is not None and wanted.owed_from >= wanted.owed_below:
        yield Doubt((*placed.place, "only_if", "owed_below"), "no amount is both from owed_from and below owed_below", "raise owed_below")


_RUNG_CHECKS: tuple[Callable[[Strategy, _Placed], Iterator[Doubt]], ...] = (
    _in_window,
    _before_end,
    _follows_call,
    _told_first,
    _can_come_after,
    _amounts_meet,
)


def _message(placed: _Placed, messages: MessageLibrary) -> Iterator[Doubt]:
    rung, place = placed.rung, (*placed.place, "message")
    if not isinstance(rung, ContactRung | RelativesRung):
        return
    for locale in messages.locales:
        try:
            about, names = messages.about(rung.message, locale), messages.names(rung.message, locale)
        except MessageUnknown as unknown:
            yield Doubt(place, str(unknown), f"there are in {locale}: {', '.join(sorted(messages.slugs(locale)))}")
            continue
        except MessageProblem as problem:
            yield Doubt(place, str(problem), "correct the message's file")
            continue
        if about.channels is not None and rung.channel not in about.channels:
            ways = ", ".join(sorted(about.channels))
            yield Doubt(
                place, f"the {locale} message is written for {ways}", "name one that is written for this way, or widen its `channels`"
            )
        elif rung.do == "email" and about.subject is None:
            yield Doubt(place, f"the {locale} message has no subject", "an e-mail needs one: add `subject: …` to its front matter")
        if isinstance(rung, ContactRung) and rung.offers and "offers" not in names:
            yield Doubt(place, f"the {locale} message never mentions the offers", "use {{ offers }} in its text, or leave `offers` out")
        if isinstance(rung, RelativesRung) and rung.purpose != "collect" and about.klass is not MessageClass.LOCATE_ONLY:
            yield Doubt(
                place,
                f"the {locale} message is of class {about.klass}, and relatives may learn nothing of the debt",
                "use a locate_only message",
            )


def _latest(rung: Rung) -> time:
    """The latest time of day at which the rung falls due, spread included."""
    minutes = min(rung.at.hour * 60 + rung.at.minute + max(rung.spread_minutes - 1, 0), _LAST_MINUTE)
    return time(minutes // 60, minutes % 60)
