"""Servers: where the application object is, how it is started, its health and login routes."""

from __future__ import annotations

import ast
import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from consolidator_tui.domain.smoke import (
    OUTSIDE,
    PORT,
    PROJECT,
    CommandKind,
    Login,
    SmokeCommand,
    Start,
)
from consolidator_tui.services.smoke.sources import Project, Source, import_root, module_name

SERVER_TIMEOUT = 30.0
_ASGI = frozenset({"FastAPI", "Starlette", "Quart", "Litestar"})
_HEALTH = re.compile(
    r"/(?:[\w-]+/)*(?:health(?:z|check|-check)?|healthy|ping|livez|readyz|status)/?"
)
_LOGIN = re.compile(r"/(?:[\w-]+/)*(?:log-?in|sign-?in|token|authenticate)/?")
_MADE = re.compile(r"\b(?:FastAPI|Starlette|Quart|Litestar|Flask)\(")
_PORT = re.compile(r"\bport\s*=\s*(\d{2,5})")


@dataclass(frozen=True, slots=True)
class Route:
    """A route that a decorator declares, with its router's own prefix."""

    method: str
    path: str
    function: ast.FunctionDef | ast.AsyncFunctionDef
    source: Source


def web_commands(project: Project) -> list[SmokeCommand]:
    """One server per application object, and `python app.py` where a file starts one itself."""
    made: list[SmokeCommand] = []
    for source in project.sources:
        if source.in_tests or not _MADE.search(source.text):
            continue
        tree = source.tree()
        for name, kind in _applications(tree) if tree else ():
            made.append(_server(project, source, name, kind))
    for source in project.sources:
        if source.main and source.serves and not source.in_tests:
            made.append(_own_server(project, source))
    for source in project.sources:
        if posixpath.basename(source.path) == "manage.py" and "DJANGO_SETTINGS" in source.text:
            made.append(_django_server(project, source))
    return made


def _applications(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(expression after the colon, class) of applications made in a module."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            kind = _called(node.value)
            if kind in _ASGI | {"Flask"} and isinstance(targets[0], ast.Name):
                yield targets[0].id, kind
        elif isinstance(node, ast.FunctionDef) and node.name in ("create_app", "make_app"):
            kinds = {_called(inner) for inner in ast.walk(node) if isinstance(inner, ast.Call)}
            if kinds & (_ASGI | {"Flask"}):
                yield f"{node.name}()", next(iter(kinds & (_ASGI | {"Flask"})))


def _called(call: ast.Call) -> str:
    name = call.func
    return name.id if isinstance(name, ast.Name) else getattr(name, "attr", "")


def _server(project: Project, source: Source, name: str, kind: str) -> SmokeCommand:
    root = import_root(project, source)
    module = module_name(source, root)
    if kind == "Flask":
        target = f"{module}:{name}"
        line = f"python -m flask --app {shlex.quote(target)} run --port {PORT}"
        title, elsewhere = f"flask {target}", line
    else:
        factory = name.endswith("()")
        target = f"{module}:{name.removesuffix('()')}"
        line = f"python -m uvicorn {target} --host 127.0.0.1 --port {PORT}"
        line += " --factory" if factory else ""
        title = f"uvicorn {target}"
        place = posixpath.join(PROJECT, shlex.quote(root)) if root else PROJECT
        elsewhere = f"{line} --app-dir {place}"
    routes = list(_routes(project, root))
    path = {"PYTHONPATH": posixpath.join(PROJECT, root).rstrip("/")} if kind == "Flask" else {}
    return SmokeCommand(
        title,
        CommandKind.SERVER,
        (Start(root, line), Start("" if root else OUTSIDE, elsewhere, path, required=False)),
        timeout=SERVER_TIMEOUT,
        health=_health(routes),
        login=_login(project, routes),
        reason=source.path,
    )


def _own_server(project: Project, source: Source) -> SmokeCommand:
    """A file that starts its own server: its port is its own, so it is not selected."""
    root = import_root(project, source)
    inside = posixpath.relpath(source.path, root) if root else source.path
    found = _PORT.search(source.text)
    flask = "Flask(" in source.text or "flask" in source.text
    routes = list(_routes(project, root))
    elsewhere = f"python {posixpath.join(PROJECT, shlex.quote(source.path))}"
    return SmokeCommand(
        inside,
        CommandKind.SERVER,
        (
            Start(root, f"python {shlex.quote(inside)}"),
            Start("" if root else OUTSIDE, elsewhere, required=False),
        ),
        timeout=SERVER_TIMEOUT,
        health=_health(routes),
        login=_login(project, routes),
        port=int(found[1]) if found else 5000 if flask else 8000,
        selected=False,
        reason=source.path,
    )


def _django_server(project: Project, source: Source) -> SmokeCommand:
    folder = posixpath.dirname(source.path)
    manage = posixpath.join(PROJECT, shlex.quote(source.path))
    line = f"runserver --noreload {PORT}"
    return SmokeCommand(
        "manage.py runserver",
        CommandKind.SERVER,
        (
            Start(folder, f"python manage.py {line}"),
            Start("" if folder else OUTSIDE, f"python {manage} {line}", required=False),
        ),
        timeout=SERVER_TIMEOUT,
        reason=source.path,
    )


def _routes(project: Project, root: str) -> Iterator[Route]:
    """The routes of the files below a folder."""
    prefixes = _included(project.sources)
    for source in project.sources:
        if source.in_tests or (root and not source.path.startswith(root + "/")):
            continue
        tree = source.tree() if re.search(r"\.(?:get|post|route)\(", source.text) else None
        if tree is None:
            continue
        own = _router_prefixes(tree)
        module = posixpath.basename(source.path).removesuffix(".py")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for method, router, path in _decorated(node):
                    before = prefixes.get(f"{module}.{router}", "") + own.get(router, "")
                    yield Route(method, (before + path) or "/", node, source)


def _decorated(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[tuple[str, str, str]]:
    for mark in node.decorator_list:
        if not (isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.args):
            continue
        path, router = mark.args[0], mark.func.value
        if not (isinstance(path, ast.Constant) and isinstance(path.value, str)):
            continue
        name = router.id if isinstance(router, ast.Name) else ""
        if mark.func.attr in ("get", "post"):
            yield mark.func.attr.upper(), name, path.value
        elif mark.func.attr == "route":
            methods = next((k.value for k in mark.keywords if k.arg == "methods"), None)
            for method in ("GET", "POST") if methods and "POST" in ast.dump(methods) else ("GET",):
                yield method, name, path.value


def _router_prefixes(tree: ast.Module) -> dict[str, str]:
    """Name of a router -> the prefix that it is made with."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            prefix = _prefix(node.value)
            if prefix and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = prefix
    return found


def _included(sources: Sequence[Source]) -> dict[str, str]:
    """`module.router` -> the prefix under which it is included or registered."""
    found = {}
    for source in sources:
        if not re.search(r"include_router\(|register_blueprint\(", source.text):
            continue
        for node in ast.walk(source.tree() or ast.Module([], [])):
            if not (isinstance(node, ast.Call) and node.args):
                continue
            if _called(node) in ("include_router", "register_blueprint") and _prefix(node):
                found[ast.unparse(node.args[0])] = _prefix(node)
    return found


def _prefix(call: ast.Call) -> str:
    for keyword in call.keywords:
        value = keyword.value
        if keyword.arg in ("prefix", "url_prefix") and isinstance(value, ast.Constant):
            return value.value if isinstance(value.value, str) else ""
    return ""


def _health(routes: Sequence[Route]) -> str:
    paths = [r.path for r in routes if r.method == "GET" and _HEALTH.fullmatch(r.path)]
    return min(paths, key=len, default="")


def _login(project: Project, routes: Sequence[Route]) -> Login | None:
    """The login with its fields' names; the person fills in the values."""
    found = [r for r in routes if r.method == "POST" and _LOGIN.fullmatch(r.path)]
    if not found:
        return None
    route = min(found, key=lambda r: len(r.path))
    arguments = route.function.args
    named = [ast.unparse(a.annotation) for a in arguments.args if a.annotation is not None]
    # FastAPI's OAuth2PasswordRequestForm; Flask's request.form
    body = ast.unparse(route.function)
    form = any("OAuth2" in name for name in named) or "request.form" in body
    fields = _model_fields(project, named) or ("username", "password")
    return Login(route.path, dict.fromkeys(fields, ""), form)


def _model_fields(project: Project, names: Sequence[str]) -> tuple[str, ...]:
    """The required fields of the first model (class with annotations) among some annotations."""
    plain = [name for name in names if name.isidentifier()]
    if not plain:
        return ()
    pattern = re.compile(rf"^class ({'|'.join(map(re.escape, plain))})\((?!.*Session)", re.M)
    for path in sorted(p for p in project.paths if p.endswith(".py")):
        try:
            text = (project.folder / path).read_text("utf-8", "replace")
        except OSError:
            continue
        if not pattern.search(text):
            continue
        for node in (Source(path, text).tree() or ast.Module([], [])).body:
            if isinstance(node, ast.ClassDef) and node.name in plain:
                fields = tuple(
                    part.target.id
                    for part in node.body
                    if isinstance(part, ast.AnnAssign)
                    and isinstance(part.target, ast.Name)
                    and part.value is None
                )
                if any("pass" in field for field in fields):
                    return fields
    return ()
