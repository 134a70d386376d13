"""What speaks for two rows being one entity."""

from __future__ import annotations

import pytest

from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.suggestion import PickedRow
from consolidator_tui.services.suggest.compare import compare
from consolidator_tui.services.suggest.forms import Form, Kind

FORMS = (
    Form("email", Kind.EMAIL),
    Form("name", Kind.NAME),
    Form("phone", Kind.PHONE),
    Form("born", Kind.DATE),
    Form("login", Kind.CODE),
)


def row(**values: Value) -> PickedRow:
    return PickedRow("users", "a.db", values, values)


def evidence(first: PickedRow, second: PickedRow) -> tuple[str, ...] | None:
    found = compare(FORMS, {1: first, 2: second}, [(1, 2)])
    return found[0].evidence if found else None


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (row(email="Ann@x.org"), row(email="ann@x.org"), "email differs only in case"),
        (row(email=" ann@x.org"), row(email="ann@x.org"), "email differs only in spaces"),
        (row(email=" ANN@x.org"), row(email="ann@x.org"), "email differs only in case and spaces"),
        (row(email="a.lee@x.org"), row(email="alee@y.org"), "email has the same name before the @"),
        (row(email="a@x", name="Ann Lee"), row(email="b@y", name="Ann Lee"), "name equal"),
        (row(name="Lee, Ann-Marie"), row(name="Ann Marie Lee"), "name has the same words"),
        (row(name="ÉMILE ZOLA"), row(name="émile zola"), "name differs only in case"),
        (row(phone="+44 20-7946 0958"), row(phone=2079460958), "phone has the same digits"),
        (row(login="ann-lee"), row(login="AnnLee"), "login differs only in punctuation"),
    ],
)
def test_alike(first: PickedRow, second: PickedRow, said: str) -> None:
    assert said in (evidence(first, second) or ())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (row(name="Ann Lee"), row(name="Bob Stone")),
        (row(email="ann@x"), row(email="bob@x")),
        (row(name="Ann Lee", born="1990-01-01"), row(name="Ann Lee", born="1991-02-02")),
        (row(phone="12"), row(phone="12")),
        (row(name=None, email=""), row(name=None, email="")),
        (row(name="A. Lee"), row(name="Ann Lee")),
    ],
)
def test_not_alike(first: PickedRow, second: PickedRow) -> None:
    assert evidence(first, second) is None


def test_support_adds_up() -> None:
    weak = compare(FORMS, {1: row(name="Ann Lee"), 2: row(name="Ann Lee")}, [(1, 2)])[0]
    both = {1: row(name="Ann Lee", phone="2079460958"), 2: row(name="Ann Lee", phone="02079460958")}
    assert compare(FORMS, both, [(1, 2)])[0].score > weak.score
