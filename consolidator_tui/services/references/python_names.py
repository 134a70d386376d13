"""Small questions to Python's syntax, and the names that are understood."""

from __future__ import annotations

import re

import libcst as cst

from consolidator_tui.services.references.python_tree import Scope, Tree, dotted

EACH = ("map", "imap", "imap_unordered")
"""Functions, and methods of pools, that call a function with one thing after the other."""
PATH_CLASSES = ("Path", "PurePath", "PosixPath", "PurePosixPath", "AsyncPath", "UPath")
TRANSPARENT = {
    "str", "os.fspath", "fspath", "os.path.abspath", "os.path.realpath", "os.path.normpath",
    "os.path.expanduser", "os.path.expandvars", "abspath", "realpath", "normpath", "expanduser",
    "sqlalchemy.engine.make_url", "sqlalchemy.make_url", "sqlalchemy.engine.url.make_url",
    "make_url", "repr", "click.Path", "urllib.parse.quote",
}  # fmt: skip
TRANSPARENT_METHODS = {
    "resolve", "absolute", "expanduser", "as_posix", "strip", "rstrip", "lstrip", "__str__",
    "__fspath__", "get_secret_value", "unicode_string",
}  # fmt: skip
CUTTING = {"replace", "removeprefix", "split", "rsplit", "lstrip", "strip", "partition"}
"""Methods that, given an argument, leave a part of a text."""
ENV_READERS = {
    "os.getenv", "os.environ.get", "environ.get", "getenv", "os.environ.setdefault",
    "os.environ.pop", "environ.setdefault", "decouple.config", "env", "env.str", "env.get",
    "starlette.config.Config", "env.path", "env.db", "env.db_url", "env.url", "environs.Env",
    "dj_database_url.config",
}  # fmt: skip
TEMPORARY = {
    "tempfile.mkdtemp", "tempfile.mkstemp", "tempfile.gettempdir",
    "tempfile.NamedTemporaryFile", "tempfile.TemporaryDirectory", "tempfile.mktemp", "mkdtemp",
    "mkstemp", "gettempdir", "TemporaryDirectory", "NamedTemporaryFile",
}  # fmt: skip
TEMPORARY_NAMES = {
    "tmp_path", "tmpdir", "tmp_path_factory", "tmpdir_factory", "tmp_dir", "temp_dir",
    "tempdir",
}  # fmt: skip
CONFIG_READERS = {"decouple.config", "config", "env", "env.str", "env.path", "env.db", "env.db_url"}


_SCHEME = re.compile(r"\+\w+|sqlite3?(?:\+\w+)?|[A-Za-z]\w+(?:\+\w+)?:/{0,3}")


def is_scheme(text: str) -> bool:
    """Whether a text that is cut off or exchanged leaves the path of a URL as it is."""
    return _SCHEME.fullmatch(text) is not None


def without_scheme(node: cst.Subscript) -> cst.BaseExpression | None:
    """`url` of `url.split("///")[1]` and of `url[len("sqlite:///"):]`, else None."""
    index = node.slice[0].slice
    split = node.value
    if isinstance(index, cst.Slice):
        lower = index.lower
        if isinstance(lower, cst.Call) and dotted(lower.func) == "len" and len(lower.args) == 1:
            text = text_of(lower.args[0].value)
            return node.value if "///" in text and is_scheme(text) else None
        return None
    if not isinstance(split, cst.Call) or not isinstance(split.func, cst.Attribute):
        return None
    if split.func.attr.value != "split" or not split.args:
        return None
    by = text_of(split.args[0].value)
    last = isinstance(index, cst.Index) and (
        isinstance(index.value, cst.Integer | cst.UnaryOperation)
    )
    return split.func.value if last and (by == "///" or ("///" in by and is_scheme(by))) else None


def returned(function: cst.FunctionDef) -> list[cst.BaseExpression]:
    """The expressions that a function returns, not those of functions inside it."""
    found: list[cst.BaseExpression] = []
    stack: list[cst.CSTNode] = [function.body]
    while stack:
        node = stack.pop()
        if isinstance(node, cst.Return):
            if node.value is not None and dotted(node.value) != "None":
                found.append(node.value)
        elif not isinstance(node, cst.FunctionDef | cst.ClassDef | cst.BaseExpression):
            stack.extend(reversed(node.children))
    return found


def keyword(call: cst.Call, *names: str) -> cst.BaseExpression | None:
    """The value of a keyword argument."""
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value in names:
            return arg.value
    return None


def each_of(call: cst.Call) -> tuple[cst.BaseExpression, cst.BaseExpression] | None:
    """The function and what it is given one by one, of a call like `map(function, files)`."""
    plain = [arg.value for arg in call.args if arg.keyword is None and not arg.star]
    func = call.func
    name = func.attr.value if isinstance(func, cst.Attribute) else dotted(func)
    return (plain[0], plain[1]) if name in EACH and len(plain) > 1 else None


def text_of(node: cst.CSTNode | None) -> str:
    """The text of a plain string literal, else an empty text."""
    if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
        value = node.evaluated_value
        return value if isinstance(value, str) else ""
    return ""


def expects_error(tree: Tree, node: cst.CSTNode) -> bool:
    """Whether a literal stands in a test that sets the environment, expects an error and does
    nothing else."""
    for up in tree.ancestors(node):
        if isinstance(up, cst.FunctionDef):
            blocks = [item for item in up.body.body if isinstance(item, cst.With)]
            calls = [item.item for block in blocks for item in block.items]
            lines = [item for item in up.body.body if isinstance(item, cst.SimpleStatementLine)]
            plain = [item for line in lines for item in line.body if isinstance(item, cst.Expr)]
            return (
                bool(calls)
                and len(blocks) + len(plain) == len(up.body.body)
                and all(_callee(call) in _EXPECTS for call in calls)
                and all(_callee(line.value) in ("", "setenv", "delenv") for line in plain)
            )
    return False


_EXPECTS = ("raises", "assertRaises", "assertRaisesRegex")


def _callee(node: cst.CSTNode) -> str:
    return dotted(node.func).rsplit(".", 1)[-1] if isinstance(node, cst.Call) else ""


def is_settings(owner: Scope) -> bool:
    """Whether a class reads its fields from the environment (pydantic BaseSettings)."""
    node = owner.node
    return isinstance(node, cst.ClassDef) and any(
        "Settings" in dotted(base.value) for base in node.bases
    )


def env_name(owner: Scope, name: str) -> str:
    """The environment key of a settings field: env_prefix + name, in upper case."""
    prefix = ""
    inner = owner.classes.get("Config")
    candidates = [(inner, "env_prefix")] if inner is not None else []
    for scope, key in candidates:
        for value in scope.assigned.get(key, ()):
            prefix = text_of(value)
    for value in owner.assigned.get("model_config", ()):
        if isinstance(value, cst.Call):
            prefix = text_of(keyword(value, "env_prefix"))
    return f"{prefix}{name}".upper()
