"""Where a literal stands in Python source, and whether an edit there can be right."""

from __future__ import annotations

import libcst as cst

from consolidator_tui.domain.reference import Form
from consolidator_tui.services.references.in_tests import in_tests, named_for_tests
from consolidator_tui.services.references.paths import OTHER_WORD
from consolidator_tui.services.references.python_calls import call_context
from consolidator_tui.services.references.python_carriers import (
    Context,
    assigned,
    begins,
    environment,
    keyed,
    named,
    snake,
    speaks_of_database,
)
from consolidator_tui.services.references.python_names import (
    CONFIG_READERS,
    ENV_READERS,
    PATH_CLASSES,
    TRANSPARENT,
    TRANSPARENT_METHODS,
    is_scheme,
    text_of,
)
from consolidator_tui.services.references.python_sinks import (
    OPERATION_METHODS,
    TEST_METHODS,
)
from consolidator_tui.services.references.python_tree import Scope, Tree, dotted
from consolidator_tui.services.references.python_values import Evaluator


def root_of(tree: Tree, node: cst.CSTNode, scope: Scope, evaluator: Evaluator) -> cst.CSTNode:
    """The largest expression around a literal that is still the same path or URL."""
    while True:
        up = tree.parent(node)
        if isinstance(up, cst.FormattedStringExpression | cst.FormattedStringText):
            node = up
            continue
        if isinstance(up, cst.FormattedString | cst.BinaryOperation):
            node = up
            continue
        if isinstance(up, cst.Element):
            filled = tree.parent(up)
            outer = tree.parent(filled) if isinstance(filled, cst.Tuple) else None
            if isinstance(outer, cst.BinaryOperation) and outer.right is filled:
                node = outer
                continue
        if isinstance(up, cst.IfExp) and up.test is not node:
            node = up
            continue
        if isinstance(up, cst.BooleanOperation):
            node = up
            continue
        if isinstance(up, cst.Attribute) and up.attr.value == "parent":
            node = up
            continue
        if isinstance(up, cst.Attribute):
            call = tree.parent(up)
            if isinstance(call, cst.Call) and call.func is up and _same_path(call, up.attr.value):
                node = call
                continue
        if isinstance(up, cst.Arg):
            call = tree.parent(up)
            if isinstance(call, cst.Call) and _transparent(call, up, scope, evaluator):
                node = call
                continue
        return node


def _same_path(call: cst.Call, method: str) -> bool:
    """Whether what a method gives is the same path, perhaps under another scheme."""
    if method == "replace":
        return len(call.args) > 1 and is_scheme(text_of(call.args[0].value))
    return method in TRANSPARENT_METHODS or method == "format"


def _transparent(call: cst.Call, arg: cst.Arg, scope: Scope, evaluator: Evaluator) -> bool:
    name = evaluator.qualified(call.func, scope)
    if name in ("os.path.join", "os.path.dirname", "posixpath.join", "click.Path"):
        return name != "click.Path"
    if name.endswith("make_url"):
        return False  # it opens nothing, but it is given a URL and nothing else
    if name in TRANSPARENT or name.rsplit(".", 1)[-1] in PATH_CLASSES:
        return True
    if isinstance(call.func, cst.Attribute) and call.func.attr.value in ("joinpath", "with_name"):
        return True
    if isinstance(call.func, cst.Attribute) and call.func.attr.value == "format":
        return bool(text_of(call.func.value))
    return is_env_default(call, arg, name)


def is_env_default(call: cst.Call, arg: cst.Arg, name: str) -> bool:
    """Whether the argument is the default of a reader of the environment."""
    if name not in ENV_READERS | CONFIG_READERS:
        return False
    if arg.keyword is not None:
        return arg.keyword.value == "default"
    return len(call.args) > 1 and call.args[1] is arg


def context_of(tree: Tree, node: cst.CSTNode, scope: Scope, evaluator: Evaluator) -> Context:
    """Where the literal stands, and whether an edit there can be right."""
    key = _env_key(tree, node, scope, evaluator)
    root = root_of(tree, node, scope, evaluator)
    context = _place(tree, root, scope, evaluator)
    owner = scope.enclosing_class()
    if owner is not None and not in_tests(evaluator.file) and named_for_tests(snake(owner.name)):
        # `class TestingConfig`: tests that empty their tables must not get the one database.
        return Context(context.form, "no", f"{owner.name} speaks of tests", key, context.name)
    if key is not None:
        allowed = context.allowed if speaks_of_database(key) is False else "yes"
        if context.allowed == "no" and context.form is not Form.MENTION:
            allowed = "no"
        if OTHER_WORD.search(snake(key)):
            return Context(Form.ENV_DEFAULT, "no", "the key speaks of another copy", key)
        return Context(Form.ENV_DEFAULT, allowed, context.why_not, key, context.name)
    return context


def _env_key(tree: Tree, node: cst.CSTNode, scope: Scope, evaluator: Evaluator) -> str | None:
    at = node
    for up in tree.ancestors(node):
        if isinstance(up, cst.Call) and isinstance(at, cst.Arg):
            name = evaluator.qualified(up.func, scope)
            if is_env_default(up, at, name):
                first = up.args[0].value
                return text_of(first)
        if isinstance(up, cst.BooleanOperation) and up.right is at:
            left = evaluator.values(up.left, scope)
            for value in left:
                if value and value[0].kind == "environment":
                    return value[0].text
        if isinstance(up, cst.BaseStatement | cst.BaseSmallStatement):
            return None
        at = up
    return None


def _place(tree: Tree, root: cst.CSTNode, scope: Scope, evaluator: Evaluator) -> Context:
    up = tree.parent(root)
    if isinstance(up, cst.Arg):
        call = tree.parent(up)
        if isinstance(call, cst.Call):
            return call_context(tree, call, up, scope, evaluator)
        return Context(Form.MENTION, "no", "it is no argument of a call")
    if isinstance(up, cst.Assign) and up.value is root:
        return assigned(up.targets[0].target, scope, evaluator)
    if isinstance(up, cst.AnnAssign) and up.value is root:
        return assigned(up.target, scope, evaluator)
    if isinstance(up, cst.NamedExpr) and up.value is root:
        return named(dotted(up.target), Form.NAME)
    if isinstance(up, cst.Param) and up.default is root:
        return named(up.name.value, Form.FUNCTION_DEFAULT)
    if isinstance(up, cst.DictElement) and up.value is root:
        return _dict_value(tree, up, scope, evaluator)
    if isinstance(up, cst.Element):
        return Context(Form.CANDIDATES, "no", "it is one of a list; choose by hand")
    if isinstance(up, cst.Return):
        return named(scope.name, Form.NAME)
    if isinstance(up, cst.Lambda) and up.body is root:
        # `default_factory=lambda: "x.db"`: who calls it is not followed.
        return Context(Form.NAME, "if_opened", "")
    if isinstance(up, cst.Await):
        return _place(tree, up, scope, evaluator)
    if isinstance(up, cst.Attribute) and isinstance(tree.parent(up), cst.Call):
        call = tree.parent(up)
        method = up.attr.value
        if method in TEST_METHODS:
            return Context(Form.FILE_TEST, "if_opened", "", None, "")
        if method in OPERATION_METHODS and isinstance(call, cst.Call):
            return Context(Form.FILE_OPERATION, "no", f"the file is given to .{method}()")
    return Context(Form.MENTION, "no", "nothing there opens a file")


def _dict_value(
    tree: Tree, element: cst.DictElement, scope: Scope, evaluator: Evaluator
) -> Context:
    key = text_of(element.key)
    around = tree.parent(element)
    if isinstance(around, cst.Dict):
        siblings = {
            text_of(item.key): item.value
            for item in around.elements
            if isinstance(item, cst.DictElement)
        }
        if key == "NAME" and _inside_key(tree, around, "TEST"):
            return Context(Form.DJANGO, "no", "it is Django's test database", None, "TEST_NAME")
        if key == "NAME" and ("ENGINE" in siblings or _under(tree, around, "DATABASES")):
            return Context(Form.DJANGO, "yes", "", None, "NAME")
        call = next((up for up in tree.ancestors(around) if isinstance(up, cst.Call)), None)
        if call is not None and evaluator.qualified(call.func, scope).endswith("patch.dict"):
            return environment(key)
        owner = tree.parent(around)
        if isinstance(owner, cst.Arg) and isinstance(tree.parent(owner), cst.Call):
            outer = tree.parent(owner)
            if isinstance(outer, cst.Call):
                callee = evaluator.qualified(outer.func, scope)
                if callee == "os.environ.update":
                    return environment(key)
        if begins(element.value).startswith("sqlite://") and _inside_key(
            tree, around, "connections"
        ):
            return Context(Form.TORTOISE, "yes", "", None, "connections")
        if _under(tree, around, "SQLALCHEMY_BINDS"):
            return Context(Form.FLASK, "yes", "", None, "SQLALCHEMY_BINDS")
    return keyed(key)


def _inside_key(tree: Tree, node: cst.CSTNode, name: str) -> bool:
    up = tree.parent(node)
    return isinstance(up, cst.DictElement) and text_of(up.key) == name


def _under(tree: Tree, node: cst.CSTNode, name: str) -> bool:
    for up in tree.ancestors(node):
        if isinstance(up, cst.DictElement) and text_of(up.key) == name:
            return True
        if isinstance(up, cst.Assign):
            return dotted(up.targets[0].target).rsplit(".", 1)[-1] == name
        if isinstance(up, cst.AnnAssign):
            return dotted(up.target).rsplit(".", 1)[-1] == name
    return False
