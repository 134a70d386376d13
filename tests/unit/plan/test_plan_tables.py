"""Lines pasted below a plan continue its tables."""

from __future__ import annotations

import pytest

from consolidator_tui.domain.errors import PlanError
from consolidator_tui.services.plan_document import file as plan_file

PLAN = """\
on_drift = "stop"

[tables.users]
identity = ["email"]

[mapping."a b.db".tables]
items = "things"

[[references]]
table = "orders"
columns = ["user_id"]
parent = "users"
"""


def test_a_table_that_stands_again_is_continued() -> None:
    pasted = (
        '\n[tables."users"]\non_conflict = ["newest", "base"]\n[tables.users.defaults]\nphone = "x"'
        '\n[mapping."a b.db".tables]\n"by [x]" = ""\n'
    )
    read = plan_file.loads(PLAN + pasted)
    table = read.tables["users"]
    assert table.identity == ("email",)
    assert [str(rule) for rule in table.on_conflict or ()] == ["newest", "base"]
    assert table.defaults == {"phone": "x"}
    assert read.mapping["a b.db"].tables == {"items": "things", "by [x]": ""}
    assert len(read.references) == 1


def test_the_same_key_may_stand_twice_when_it_says_the_same() -> None:
    assert plan_file.loads(PLAN + '[tables.users]\nidentity = ["email"]\n') == plan_file.loads(PLAN)


def test_another_value_is_refused_with_its_line() -> None:
    with pytest.raises(PlanError) as caught:
        plan_file.loads(PLAN + '\n[tables.users]\nidentity = ["name"]\n', "my.toml")
    assert "my.toml, line 14" in caught.value.sentence
    assert "`identity` differs" in caught.value.sentence
    assert "'email'" in caught.value.todo


def test_other_errors_keep_their_lines() -> None:
    with pytest.raises(PlanError, match="line 16"):
        plan_file.loads(PLAN + "\n[tables.users]\nfill_nulls = true\nnewest = =\n")
    with pytest.raises(PlanError, match="line 15: unknown key `colour`"):
        plan_file.loads(PLAN + "\n[tables.users]\ncolour = 1\n")
    with pytest.raises(PlanError, match="line 2"):
        plan_file.loads("[tables.users]\n[tables.users\n")


def test_a_key_of_the_whole_plan_pasted_below_says_where_it_belongs() -> None:
    with pytest.raises(PlanError) as caught:
        plan_file.loads(PLAN + 'target = "app.db"\n')
    assert "`target`" in caught.value.sentence
    assert "at the top" in caught.value.todo


def test_decisions_that_are_not_made_are_left_out() -> None:
    text = '[[decisions]]\ntable = "users"\nentity = { email = "a" }\nkeep = ""\n'
    assert plan_file.loads(text).decisions == ()
    assert len(plan_file.loads(text, open_decisions=True).decisions) == 1


def test_several_objects_of_a_file_can_be_left_out() -> None:
    read = plan_file.loads('[mapping."a.db".tables]\nx = ""\ny = ""\n')
    assert read.mapping["a.db"].tables == {"x": "", "y": ""}


def test_rows_called_the_same_and_different_are_kept() -> None:
    text = (
        '[[decisions]]\ntable = "users"\nentity = { email = "a" }\nkeep = "same"\n'
        'also = [{ email = "A" }, { id = 3, name = { null = true } }]\n'
        '[[decisions]]\ntable = "users"\nentity = { email = "a" }\nkeep = "both"\n'
        '[[not_same]]\ntable = "users"\nentity = { email = "x" }\nother = { email = "y" }\n'
    )
    read = plan_file.loads(text)
    assert read.decisions[0].also == ({"email": "A"}, {"id": 3, "name": None})
    assert read.not_same[0].other == {"email": "y"}
    assert plan_file.loads(plan_file.dumps(read)) == read
    with pytest.raises(PlanError, match="`keep` says both"):
        plan_file.loads(text.replace('"same"', '"both"'))
    with pytest.raises(PlanError, match="name a row"):
        plan_file.loads(text.replace('{ email = "y" }', "{}"))
