from __future__ import annotations

from dataclasses import replace

from consolidator_tui.domain.merge import Question
from consolidator_tui.domain.plan import PlanDocument, TablePlan
from consolidator_tui.domain.rule import Rule
from consolidator_tui.services.plan_document import file as plan_file
from consolidator_tui.services.plan_document.question_file import questions_text

RULE = Question(
    "2 entities of users have versions that disagree.",
    table="users",
    fix='[tables.users]\non_conflict = ["newest", "base"]\n# or one by one:\n[[decisions]]\n'
    'table = "users"\nentity = { email = "a" }\nkeep = ""',
)


def answered(text: str) -> PlanDocument:
    """The file as its head says that a question is answered as a whole."""
    lines = [
        line[2:] if line.startswith("# [") or (line.startswith("# ") and " = " in line) else line
        for line in text.partition("# The questions")[2].splitlines()[1:]
    ]
    before = text.partition("# The questions")[0]
    return plan_file.loads(before + "\n".join(lines))


def test_a_general_answer_does_not_contradict_what_the_plan_says_of_the_table() -> None:
    users = TablePlan(identity=("email",), on_conflict=(Rule.BASE,))
    given = PlanDocument(target="a.db", tables={"users": users})
    text = questions_text([RULE], given)
    assert answered(text) == given
    assert '# in [tables.users] above, write as `on_conflict`: ["newest", "base"]' in text
    # Where the plan leaves it open, or says the same, the lines can be taken as they are.
    for before in (None, (Rule.NEWEST, Rule.BASE)):
        open_ = replace(given, tables={"users": replace(users, on_conflict=before)})
        rules = answered(questions_text([RULE], open_)).tables["users"].on_conflict
        assert rules == (Rule.NEWEST, Rule.BASE)


def test_decisions_that_are_too_many_are_named() -> None:
    text = questions_text([RULE], PlanDocument(target="a.db"), left_out=1_200)
    assert "# 1,200 decisions that were made before are in plan.toml beside questions.toml" in text
    assert plan_file.loads(text) == PlanDocument(target="a.db")
