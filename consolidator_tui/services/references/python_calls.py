"""What the call that a literal is given to says about it."""

from __future__ import annotations

import re

import libcst as cst

from consolidator_tui.domain.reference import Form
from consolidator_tui.services.references.paths import DATABASE_WORD, OTHER_WORD
from consolidator_tui.services.references.python_carriers import (
    Context,
    assigned,
    begins,
    environment,
    keyed,
    snake,
)
from consolidator_tui.services.references.python_names import keyword, text_of
from consolidator_tui.services.references.python_sinks import (
    OTHER_ENGINES,
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
_OPENERS = re.compile(r"connect|store|repositor|engine|sqlite|_orm|sql_", re.I)
_URL_KEYWORDS = ("con", "connection", "connection_string", "conn_string")
_URL_SECOND = ("read_sql", "read_sql_query", "read_sql_table", "to_sql")


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
            return environment(first)
        return keyed(first)
    if last in ("add_argument", "option", "Option", "Argument", "argument", "add_option"):
        return _command_line(tree, call, arg, key)
    if last in ("Field", "field") and key in ("", "default") and scope.kind == "class":
        up = next(
            (n for n in tree.ancestors(call) if isinstance(n, cst.Assign | cst.AnnAssign)), None
        )
        if up is not None:
            target = up.target if isinstance(up, cst.AnnAssign) else up.targets[0].target
            return assigned(target, scope, evaluator)
    if last == "create" and name.endswith("URL.create") and key == "database":
        return Context(Form.SQLALCHEMY, "yes", "", None, "URL.create")
    if last == "set_main_option" and first == "sqlalchemy.url":
        return Context(Form.SQLALCHEMY, "yes", "", None, last)
    if last in _TALK:
        return Context(Form.MENTION, "no", f"it is given to {last}()", None, last)
    if begins(arg.value).startswith(("sqlite:///", "sqlite+")):
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
