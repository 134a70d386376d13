"""What the name or key that carries a literal says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import libcst as cst

from consolidator_tui.domain.reference import Form
from consolidator_tui.services.references.paths import DATABASE_WORD, OTHER_WORD
from consolidator_tui.services.references.python_names import env_name, is_settings, text_of
from consolidator_tui.services.references.python_tree import Scope, dotted
from consolidator_tui.services.references.python_values import Evaluator

_MODULE_WORD = re.compile(r"(?:^|_)(?:module|package|import|logger|namespace|plugin)s?(?:$|_)")


def snake(name: str) -> str:
    """`PromptDBStore` as `prompt_db_store`, so that its words can be told apart."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def speaks_of_database(name: str) -> bool:
    """Whether a name is one for the database in use, not for another copy of it."""
    words = snake(name)
    return bool(DATABASE_WORD.search(words)) and not OTHER_WORD.search(words)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a literal stands."""

    form: Form
    allowed: str
    """`yes`, `if_opened` (only when something is seen to open it) or `no`."""
    why_not: str = ""
    env_key: str | None = None
    name: str = ""
    """The name that carries it."""


def named(name: str, form: Form) -> Context:
    """A literal that a name carries."""
    words = snake(name)
    if _MODULE_WORD.search(words):
        return Context(form, "no", f"the name {name} speaks of a module", None, name)
    if OTHER_WORD.search(words):
        return Context(form, "no", f"the name {name} speaks of another copy", None, name)
    return Context(form, "yes" if DATABASE_WORD.search(words) else "if_opened", "", None, name)


def keyed(key: str) -> Context:
    """A literal under a key of a dictionary or a configuration object."""
    if key in ("SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_BINDS"):
        return Context(Form.FLASK, "yes", "", None, key)
    if not key:
        return Context(Form.NAME, "if_opened")
    return named(key, Form.NAME)


def environment(key: str) -> Context:
    """A literal that an environment variable is set to."""
    context = named(key, Form.ENV_SET)
    return Context(Form.ENV_SET, context.allowed, context.why_not, key, key)


def assigned(target: cst.CSTNode, scope: Scope, evaluator: Evaluator) -> Context:
    """A literal that is assigned to a name, an attribute or a key."""
    if isinstance(target, cst.Subscript):
        index = target.slice[0].slice
        key = text_of(index.value) if isinstance(index, cst.Index) else ""
        if evaluator.qualified(target.value, scope) in ("os.environ", "environ"):
            return environment(key)
        if key == "NAME" and is_django(target):
            return Context(Form.DJANGO, "yes", "", None, "NAME")
        return keyed(key)
    name = dotted(target)
    last = name.rsplit(".", 1)[-1]
    if last in ("SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_BINDS"):
        return Context(Form.FLASK, "yes", "", None, last)
    if scope.kind == "class" and is_settings(scope):
        context = named(last, Form.SETTINGS_FIELD)
        return Context(context.form, context.allowed, context.why_not, env_name(scope, last), last)
    return named(last, Form.NAME)


def is_django(target: cst.Subscript) -> bool:
    """Whether a target is `DATABASES["…"]["…"]`."""
    inner = target.value
    name = dotted(inner.value) if isinstance(inner, cst.Subscript) else ""
    return name.rsplit(".", 1)[-1] == "DATABASES"


def begins(node: cst.CSTNode) -> str:
    """What a text or an f-string begins with."""
    if isinstance(node, cst.FormattedString) and node.parts:
        first = node.parts[0]
        return first.value if isinstance(first, cst.FormattedStringText) else ""
    return text_of(node)
