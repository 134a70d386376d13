"""What names of columns say about tables."""

from __future__ import annotations

import pytest

from consolidator_tui.services.planning import names


@pytest.mark.parametrize(
    ("column", "table"),
    [
        ("user_id", "users"), ("userId", "users"), ("UserID", "User"), ("id_user", "users"),
        ("billing_user_id", "users"), ("user_id", "app_users"), ("category_id", "categories"),
        ("person_id", "people"), ("box_id", "boxes"), ("address_id", "addresses"),
        ("status_id", "status"), ("userid", "users"), ("iduser", "users"), ("child_fk", "children"),
        ("todo_item_id", "todo_items"), ("order-id", "orders"), ("class_id", "classes"),
        ("batch_id", "batches"), ("dish_id", "dishes"), ("todoitem_id", "todo_items"),
    ],
)  # fmt: skip
def test_says(column: str, table: str) -> None:
    """The column names the table, in the singular or plural, with or without a prefix."""
    assert names.says(column, table)
    assert table in names.TableNames([table, "others"]).named_by(column)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("tag_ids", "tag_id"), ("tagIds", "tag_id"), ("user_ids_json", "user_id"),
        ("members", "member"), ("userids", "userid"), ("tag_list", "tag"), ("tags", "tag"),
        ("json", "json"), ("", ""), ("_", ""), ("user_json_id", "user_id"),
    ],
)  # fmt: skip
def test_names_of_lists(name: str, wanted: str) -> None:
    """What is kept several times goes by the name of one."""
    assert names.without_wrapping(name) == wanted


@pytest.mark.parametrize(
    ("column", "table"),
    [
        ("posts", "posts"), ("order_id", "users"), ("id", "users"), ("user_name", "users"),
        ("user_id", "user_profiles"), ("paid", "pas"), ("", "users"), ("user_id", ""),
        ("_", "users"),
    ],
)  # fmt: skip
def test_says_nothing(column: str, table: str) -> None:
    """A count, another table, an attribute: no reference."""
    assert not names.says(column, table)
    assert names.TableNames([table]).named_by(column) == []


def test_roles_and_ids() -> None:
    """Id-like and role-like names are what is looked at without a table's name."""
    assert names.is_id_like("user_id")
    assert names.is_id_like("idUser")
    assert not names.is_id_like("id")
    assert names.is_id_like("uid")
    assert not names.is_id_like("bid")
    assert names.may_be_short("bid", "books")
    assert not names.may_be_short("bid", "cars")
    assert not names.may_be_short("bid", "")
    assert not names.is_id_like("valid")
    assert names.runs_together("userid")
    assert not names.runs_together("paid")
    assert names.is_role("created_by")
    assert names.is_role("owner")
    assert not names.is_role("ownership")
    assert not names.is_role("")
    assert names.says_self("parent_id")
    assert not names.says_self("parent")


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("categories", "category"), ("classes", "class"), ("boxes", "box"), ("status", "status"),
        ("bus", "bus"), ("analysis", "analysis"), ("people", "person"), ("users", "user"),
        ("ties", "tie"), ("glass", "glass"),
    ],
)  # fmt: skip
def test_singular(plural: str, one: str) -> None:
    """Good enough to compare names."""
    assert names.singular(plural) == one
