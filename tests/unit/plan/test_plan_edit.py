"""Changes of the plan document, and the answers that questions offer."""

from __future__ import annotations

from consolidator_tui.domain.merge import Question
from consolidator_tui.domain.plan import Decision, NotSame, OnDrift, PlanDocument, ReferencePlan
from consolidator_tui.services.plan_document import edit as plan_edit
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.plan_document.answers import answers, apply
from consolidator_tui.services.planning.fixes import alternatives, another_name

USER = ReferencePlan("Orders", ("user_id",), "users", ("id",))


def test_tables_are_found_whatever_their_case_and_empty_plans_go() -> None:
    document = plan_edit.with_table(PlanDocument(), "Users", newest="at")
    document = plan_edit.with_table(document, "USERS", fill_nulls=True)
    assert list(document.tables) == ["Users"]
    assert plan_edit.table_plan(document, "users").newest == "at"
    document = plan_edit.with_table(document, "users", newest=None, fill_nulls=False)
    assert document == PlanDocument()


def test_a_reference_is_followed_or_turned_down_never_both() -> None:
    document = plan_edit.follow(PlanDocument(), USER)
    again = plan_edit.follow(document, ReferencePlan("orders", ("USER_ID",), "people", ("id",)))
    assert [r.parent for r in again.references] == ["people"]
    refused = plan_edit.turn_down(again, USER)
    assert refused.references == ()
    assert refused.not_references == (ReferencePlan("Orders", ("user_id",)),)
    assert plan_edit.follow(refused, USER).not_references == ()
    assert plan_edit.forget_reference(refused, USER) == PlanDocument()


def test_names_are_set_left_out_and_given_back() -> None:
    document = plan_edit.rename(PlanDocument(), "a.db", "Items", "things")
    document = plan_edit.rename(document, "a.db", "items", "")
    assert document.mapping["a.db"].tables == {"items": ""}
    document = plan_edit.rename_column(document, "a.db", "users", "mail", "email")
    assert document.mapping["a.db"].columns == {"users": {"mail": "email"}}
    document = plan_edit.rename_column(document, "a.db", "USERS", "mail", None)
    assert plan_edit.rename(document, "a.db", "ITEMS", None) == PlanDocument()


def test_pairs_are_remembered_and_taken_back() -> None:
    pair = NotSame("users", {"email": "a"}, {"email": "A"})
    document = plan_edit.with_not_same(plan_edit.with_not_same(PlanDocument(), pair), pair)
    assert document.not_same == (pair,)
    assert plan_edit.without_not_same(document, pair) == PlanDocument()
    decision = Decision("users", {"email": "a"}, "same", also=({"email": "A"},))
    assert plan_edit.without_decision(PlanDocument(decisions=(decision,)), decision).decisions == ()


def test_answers_are_changes_of_the_plan() -> None:
    question = Question("?", "items", fix=another_name('b"[x].db', "it ems", "it ems_2"))
    first, second = answers(question)
    assert first.label == 'call it ems of b"[x].db it ems_2'
    assert apply(PlanDocument(), first).mapping['b"[x].db'].tables == {"it ems": "it ems_2"}
    assert apply(PlanDocument(), second).mapping['b"[x].db'].tables == {"it ems": ""}
    # What is printed is a plan, too: it takes the first answer.
    assert plan_file.loads(question.fix) == apply(PlanDocument(), first)


def test_a_value_that_only_a_person_knows_is_asked() -> None:
    (answer,) = answers(Question("?", "users", fix='[tables.users.defaults]\nphone = "..."'))
    assert answer.asks == ("users", "phone")
    assert apply(PlanDocument(), answer, 7).tables["users"].defaults == {"phone": 7}


def test_references_and_drift_are_answered() -> None:
    yes = '[[references]]\ntable = "t"\ncolumns = ["c"]\nparent = "p"\nparent_columns = ["id"]'
    no = '[[not_references]]\ntable = "t"\ncolumns = ["c"]'
    drift = '[tables.t]\non_drift = "unite"  # values stay'
    follow, refuse, unite = answers(Question("?", fix=alternatives(yes, no, drift)))
    document = apply(PlanDocument(), follow)
    assert document.references[0].parent == "p"
    document = apply(document, refuse)
    assert (document.references, len(document.not_references)) == ((), 1)
    assert apply(document, unite).tables["t"].on_drift is OnDrift.UNITE


def test_a_question_without_lines_has_no_answers() -> None:
    assert answers(Question("?")) == ()
