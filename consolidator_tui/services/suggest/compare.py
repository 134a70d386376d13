"""Compares pairs of rows and says what speaks for their being one entity. CPU only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz, utils

from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.suggestion import PickedRow, Suggestion
from consolidator_tui.services.suggest.forms import Form, Kind

ENOUGH = 55
"""Points from which on a pair is worth a look."""
_SPACE = re.compile(r"\s+")
_NO_DIGIT = re.compile(r"\D+")
_PUNCTUATION = re.compile(r"[\s._'\-,]+")


@dataclass(slots=True)
class _Weighed:
    points: list[int] = field(default_factory=list)
    against: int = 0
    evidence: list[tuple[int, str]] = field(default_factory=list)

    def speaks(self, points: int, text: str) -> None:
        self.points.append(points)
        self.evidence.append((points, text))

    @property
    def score(self) -> int:
        ranked = sorted(self.points, reverse=True)
        support = sum(points // 4 for points in ranked[1:])
        return max(0, min(100, (ranked[0] if ranked else 0) + support - self.against))


def compare(
    forms: Sequence[Form], rows: Mapping[int, PickedRow], pairs: Sequence[tuple[int, int]]
) -> list[Suggestion]:
    """The pairs that look like one entity, with the evidence. Blocking: call it in a thread."""
    found = []
    for a, b in pairs:
        first, second = rows.get(a), rows.get(b)
        if first is None or second is None:
            continue
        weighed = _weigh(forms, first.values, second.values)
        if weighed.score >= ENOUGH:
            texts = tuple(text for _, text in sorted(weighed.evidence, key=lambda e: -e[0]))
            found.append(Suggestion(first, second, weighed.score, texts))
    return found


def _weigh(
    forms: Sequence[Form], first: Mapping[str, Value], second: Mapping[str, Value]
) -> _Weighed:
    weighed = _Weighed()
    for form in forms:
        a, b = first.get(form.column), second.get(form.column)
        if a is None or b is None or a == "" or b == "":
            continue
        _JUDGES[form.kind](weighed, form.column, str(a), str(b))
    return weighed


def _simple(text: str) -> str:
    return _SPACE.sub(" ", text).strip().casefold()


def _how(a: str, b: str) -> str:
    """In what two texts that are simply equal differ."""
    if a == b:
        return "equal"
    if a.strip() == b.strip():
        return "differs only in spaces"
    if a.casefold() == b.casefold():
        return "differs only in case"
    return "differs only in case and spaces"


def _email(weighed: _Weighed, column: str, a: str, b: str) -> None:
    x, y = (_simple(text).replace(" ", "") for text in (a, b))
    if x == y:
        weighed.speaks(95, f"{column} {_how(a, b)}")
        return
    (left, _, here), (right, _, there) = x.partition("@"), y.partition("@")
    alike = fuzz.ratio(left, right)
    if left == right or _PUNCTUATION.sub("", left) == _PUNCTUATION.sub("", right):
        weighed.speaks(60, f"{column} has the same name before the @")
    elif here == there and alike >= 88:
        weighed.speaks(round(alike * 0.55), f"{column} {alike:.0f} % alike")
    else:
        weighed.against += 5


def _phone(weighed: _Weighed, column: str, a: str, b: str) -> None:
    x, y = (_NO_DIGIT.sub("", text) for text in (a, b))
    if len(x) >= 7 and x[-8:] == y[-8:]:
        weighed.speaks(70, f"{column} has the same digits" if a != b else f"{column} equal")
    else:
        weighed.against += 5


def _code(weighed: _Weighed, column: str, a: str, b: str) -> None:
    x, y = (_PUNCTUATION.sub("", text).casefold() for text in (a, b))
    if _simple(a) == _simple(b):
        weighed.speaks(85, f"{column} {_how(a, b)}")
    elif x == y:
        weighed.speaks(75, f"{column} differs only in punctuation")
    elif len(x) >= 6 and (alike := fuzz.ratio(x, y)) >= 90:
        weighed.speaks(round(alike * 0.4), f"{column} {alike:.0f} % alike")


def _name(weighed: _Weighed, column: str, a: str, b: str) -> None:
    x, y = _simple(a), _simple(b)
    if x == y:
        weighed.speaks(65, f"{column} {_how(a, b)}")
        return
    alike = fuzz.token_sort_ratio(x, y, processor=utils.default_process)
    if alike == 100:
        weighed.speaks(63, f"{column} has the same words")
    elif alike >= 86:
        weighed.speaks(round(alike * 0.65), f"{column} {alike:.0f} % alike")
    elif _initials(x, y):
        weighed.speaks(40, f"{column} agrees in its initial and last word")
    else:
        weighed.against += 25


def _initials(x: str, y: str) -> bool:
    """`a. lee` and `ann lee`."""
    left, right = x.replace(".", " ").split(), y.replace(".", " ").split()
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-1]:
        return False
    shorter, longer = sorted((left[0], right[0]), key=len)
    return len(shorter) == 1 and longer.startswith(shorter)


def _date(weighed: _Weighed, column: str, a: str, b: str) -> None:
    if a[:10] == b[:10]:
        weighed.speaks(35, f"{column} equal")
    else:
        weighed.against += 20


_JUDGES = {
    Kind.EMAIL: _email,
    Kind.PHONE: _phone,
    Kind.CODE: _code,
    Kind.NAME: _name,
    Kind.DATE: _date,
}
