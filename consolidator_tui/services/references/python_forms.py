"""Where a literal stands in Python source, and whether an edit there can be right."""

from __future__ import annotations

import re
from dataclasses import dataclass

import libcst as cst

from consolidator_tui.domain.reference import Form
from consolidator_tui.services.references.in_tests import in_tests, named_for_tests
from consolidator_tui.services.references.paths import DATABASE_WORD, OTHER_WORD
from consolidator_tui.services.references.python_names import (
    CONFIG_READERS,
    ENV_READERS,
    PATH_CLASSES,
    TRANSPARENT,
    TRANSPARENT_METHODS,
    env_name,
    is_scheme,
    is_settings,
    keyword,
    text_of,
)
from consolidator_tui.services.references.python_sinks import (
    OPERATION_METHODS,
    OTHER_ENGINES,
    TEST_METHODS,
    argument,
    file_use,
    sink_of,
)
from consolidator_tui.services.references.python_tree import Scope, Tree, dotted
from consolidator_tui.services.references.python_values import Evaluator

_TALK = {
    "print", "log", "debug", "info", "warning", "warn", "error", "exception", "critical",
    "echo", "secho", "success", "write", "writelines", "append", "add", "getLogger",
    "get_logger", "patch", "import_module", "include", "include_router", "startswith",
    "endswith", "split", "find", "replace", "index", "count", "match", "fullmatch", "search",
    "compile", "sub", "glob", "rglob", "fnmatch", "removesuffix", "removeprefix", "assertEqual",
    "assertIn", "assertNotIn", "raises", "getattr", "hasattr", "setattr", "isinstance",
    "reload", "run_module", "ValueError", "Exception", "RuntimeError", "FileNotFoundError",
    "set_description", "panel", "Panel", "Text", "HTTPException", "skip", "skipif", "xfail",
    "join", "format",
}  # fmt: skip
_MODULE_WORD = re.compile(r"(?:^|_)(?:module|package|import|logger|namespace|plugin)s?(?:$|_)")
_OPENERS = re.compile(r"connect|store|repositor|engine|sqlite|_orm|sql_", re.I)


_URL_KEYWORDS = ("con", "connection", "connection_string", "conn_string")
_URL_SECOND = ("read_sql", "read_sql_query", "read_sql_table", "to_sql")


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
        return _assigned(up.targets[0].target, scope, evaluator)
    if isinstance(up, cst.AnnAssign) and up.value is root:
        return _assigned(up.target, scope, evaluator)
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


def named(name: str, form: Form) -> Context:
    """A literal that a name carries."""
    words = snake(name)
    if _MODULE_WORD.search(words):
        return Context(form, "no", f"the name {name} speaks of a module", None, name)
    if OTHER_WORD.search(words):
        return Context(form, "no", f"the name {name} speaks of another copy", None, name)
    return Context(form, "yes" if DATABASE_WORD.search(words) else "if_opened", "", None, name)


def _assigned(target: cst.CSTNode, scope: Scope, evaluator: Evaluator) -> Context:
    if isinstance(target, cst.Subscript):
        index = target.slice[0].slice
        key = text_of(index.value) if isinstance(index, cst.Index) else ""
        if evaluator.qualified(target.value, scope) in ("os.environ", "environ"):
            return _environment(key)
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


def _begins(node: cst.CSTNode) -> str:
    """What a text or an f-string begins with."""
    if isinstance(node, cst.FormattedString) and node.parts:
        first = node.parts[0]
        return first.value if isinstance(first, cst.FormattedStringText) else ""
    return text_of(node)


def is_django(target: cst.Subscript) -> bool:
    """Whether a target is `DATABASES["…"]["…"]`."""
    inner = target.value
    name = dotted(inner.value) if isinstance(inner, cst.Subscript) else ""
    return name.rsplit(".", 1)[-1] == "DATABASES"


def _environment(key: str) -> Context:
    context = named(key, Form.ENV_SET)
    return Context(Form.ENV_SET, context.allowed, context.why_not, key, key)


def keyed(key: str) -> Context:
    """A literal under a key of a dictionary or a configuration object."""
    if key in ("SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_BINDS"):
        return Context(Form.FLASK, "yes", "", None, key)
    if not key:
        return Context(Form.NAME, "if_opened")
    return named(key, Form.NAME)


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
            return _environment(key)
        owner = tree.parent(around)
        if isinstance(owner, cst.Arg) and isinstance(tree.parent(owner), cst.Call):
            outer = tree.parent(owner)
            if isinstance(outer, cst.Call):
                callee = evaluator.qualified(outer.func, scope)
                if callee == "os.environ.update":
                    return _environment(key)
        if _begins(element.value).startswith("sqlite://") and _inside_key(
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


def call_context(
    tree: Tree, call: cst.Call, arg: cst.Arg, scope: Scope, evaluator: Evaluator
) -> Context:
    """A literal that is an argument."""
    name = evaluator.qualified(call.func, scope)
    last = name.rsplit(".", 1)[-1]
    if not last and isinstance(call.func, cst.Attribute):
        last = call.func.attr.value
    key = arg.keyword.value if arg.keyword is not None else ""
    module = name.partition(".")[0]
    if module.lower() in OTHER_ENGINES:
        return Context(Form.MENTION, "no", f"{module} opens no SQLite files", None, last)
    sink = sink_of(call, scope, evaluator)
    if sink is not None and argument(call, sink[0]) is arg.value:
        holder = _holder(tree, call)
        if OTHER_WORD.search(snake(holder)):
            why = f"the name {holder} speaks of another copy"
            return Context(sink[0].form, "no", why, None, last)
        return Context(sink[0].form, "yes", "", None, last)
    use = file_use(call, scope, evaluator)
    if use is not None:
        if use[0] is Form.FILE_TEST:
            return Context(Form.FILE_TEST, "if_opened", "", None, last)
        return Context(Form.FILE_OPERATION, "no", f"the file is given to {last}()", None, last)
    first = text_of(call.args[0].value)
    if last in ("setenv", "setdefault") and call.args[0] is not arg:
        if last == "setenv" or name.startswith(("os.environ", "environ")):
            return _environment(first)
        return keyed(first)
    if last in ("add_argument", "option", "Option", "Argument", "argument", "add_option"):
        return _command_line(tree, call, arg, key)
    if last in ("Field", "field") and key in ("", "default") and scope.kind == "class":
        up = next(
            (n for n in tree.ancestors(call) if isinstance(n, cst.Assign | cst.AnnAssign)), None
        )
        if up is not None:
            target = up.target if isinstance(up, cst.AnnAssign) else up.targets[0].target
            return _assigned(target, scope, evaluator)
    if last == "create" and name.endswith("URL.create") and key == "database":
        return Context(Form.SQLALCHEMY, "yes", "", None, "URL.create")
    if last == "set_main_option" and first == "sqlalchemy.url":
        return Context(Form.SQLALCHEMY, "yes", "", None, last)
    if last in _TALK:
        return Context(Form.MENTION, "no", f"it is given to {last}()", None, last)
    if _begins(arg.value).startswith(("sqlite:///", "sqlite+")):
        second = len(call.args) > 1 and call.args[1] is arg
        if key in _URL_KEYWORDS or (last in _URL_SECOND and second):
            return Context(Form.SQLALCHEMY, "yes", "", None, last)
    if key:
        context = keyed(key)
        form = Form.FLASK if context.form is Form.FLASK else Form.OPENED
        return Context(form, context.allowed, context.why_not, None, key)
    words = snake(last)
    if OTHER_WORD.search(words):
        return Context(Form.OPENED, "no", f"{last}() speaks of another copy", None, last)
    opens = DATABASE_WORD.search(words) or _OPENERS.search(words)
    if words == "path" or words.endswith(("_path", "_dir", "_folder", "_file")):
        # What it makes of a name is not known here: it may well put a folder before it.
        opens = None
    return Context(Form.OPENED, "yes" if opens else "if_opened", "", None, last)


def _holder(tree: Tree, call: cst.Call) -> str:
    """The name that an opened connection is given."""
    for up in tree.ancestors(call):
        if isinstance(up, cst.Assign):
            return dotted(up.targets[0].target).rsplit(".", 1)[-1]
        if isinstance(up, cst.WithItem) and up.asname is not None:
            return dotted(up.asname.name)
        if isinstance(up, cst.BaseStatement | cst.BaseSmallStatement):
            return ""
    return ""


def _command_line(tree: Tree, call: cst.Call, arg: cst.Arg, key: str) -> Context:
    is_default = key == "default" or (
        dotted(call.func).rsplit(".", 1)[-1] in ("Option", "Argument") and call.args[0] is arg
    )
    if not is_default:
        return Context(Form.MENTION, "no", "it is help text")
    names = [text_of(item.value).lstrip("-").replace("-", "_") for item in call.args
             if item.keyword is None and item is not arg]  # fmt: skip
    names.append(text_of(keyword(call, "dest")))
    up = tree.parent(call)
    if isinstance(up, cst.Param):
        names.append(up.name.value)
    words = [snake(name) for name in names if name]
    if any(OTHER_WORD.search(word) for word in words):
        return Context(Form.ARGUMENT_DEFAULT, "no", "the option speaks of another copy")
    known = any(DATABASE_WORD.search(word) for word in words)
    return Context(
        Form.ARGUMENT_DEFAULT, "yes" if known else "if_opened", "", None, " ".join(names)
    )
