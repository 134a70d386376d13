"""Put first on PYTHONPATH of a smoke command: tells which line opens which database.

Runs in the application's own interpreter, which may be older than ours: nothing here may need
more than Python 3.8 and the standard library. `smoke.json` beside this file says what to watch.
Opening (or writing) a file of the real project instead of the copy is refused.
"""

# ruff: noqa: PTH100, PTH117, PTH118, PTH120, PTH123
# os.path works on any text, and every interpreter has imported it anyway.

from __future__ import annotations

import json
import os
import sys
import threading
from types import FrameType
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
_MOST_FRAMES = 200
_MOST_TOLD = 5
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ORIGIN = "_consolidator_origin"
_CHANGES = ("os.remove", "os.rename", "os.truncate", "shutil.rmtree")

with open(os.path.join(_HERE, "smoke.json"), encoding="ascii") as _file:
    _SETTINGS: dict[str, Any] = json.load(_file)
_COPY: str = _SETTINGS["copy"]
_SCRATCH: str = _SETTINGS["scratch"]
_LOG: str = _SETTINGS["log"]
_REAL: list[str] = _SETTINGS["real"]
# The real databases; the target may be a link that leads out of the project.
_REAL_FILES: list[str] = _SETTINGS["real_files"]
# Folders that are used as they are: environments, packages.
_FREE: list[str] = _SETTINGS["free"]


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)


def _is_real(path: str) -> bool:
    if path in _REAL_FILES:
        return True
    if not any(_inside(path, folder) for folder in _REAL):
        return False
    return not _inside(path, _SCRATCH) and not any(_inside(path, free) for free in _FREE)


def _database_path(name: Any) -> str | None:
    """The absolute path of what sqlite3.connect was given; None for no file."""
    try:
        text = os.fsdecode(name)
    except TypeError:
        return None
    if not text or text == ":memory:":
        return None
    if text.startswith("file:"):
        from urllib.parse import unquote

        body, _, query = text[5:].partition("#")[0].partition("?")
        if "mode=memory" in query or not body or body == ":memory:":
            return None
        if body.startswith("//"):
            body = "/" + body[2:].partition("/")[2]
        text = unquote(body, errors="surrogateescape")
    return os.path.realpath(text)


def _frames(frame: FrameType | None) -> list[list[Any]]:
    """The frames of the application from the inside out: file, line, function."""
    found: list[list[Any]] = []
    count = 0
    while frame is not None and count < _MOST_FRAMES and len(found) < _MOST_TOLD:
        name = frame.f_code.co_filename
        # `<string>` and other generated code has no file.
        if not name.startswith("<"):
            path = os.path.abspath(name)
            ours = _inside(path, _COPY) or _is_real(path)
            if ours and not any(_inside(path, folder) for folder in _FREE):
                found.append([path, frame.f_lineno, frame.f_code.co_name])
        frame = frame.f_back
        count += 1
    return found


def _stack() -> list[list[Any]]:
    """The application's frames in this thread, else where it started the thread or greenlet."""
    found = _frames(sys._getframe(2))
    if not found and "greenlet" in sys.modules:
        current = sys.modules["greenlet"].getcurrent()
        while not found and current.parent is not None:
            current = current.parent
            found = _frames(current.gr_frame)
    return found or getattr(threading.current_thread(), _ORIGIN, [])


def _write(entry: dict[str, Any]) -> None:
    data = (json.dumps(entry) + "\n").encode("ascii")
    descriptor = os.open(_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        name, _, flags = arguments
        if isinstance(name, str) and isinstance(flags, int) and flags & _WRITES and name != _LOG:
            _refuse(name)
    elif event == "sqlite3.connect":
        path = _database_path(arguments[0])
        if path is not None:
            blocked = _is_real(path)
            _write({"path": path, "stack": _stack(), "blocked": blocked})
            if blocked:
                raise PermissionError(13, "the real database, not the copy's", path)
    elif event in _CHANGES:
        for name in arguments[:2]:
            if isinstance(name, (str, bytes, os.PathLike)):
                _refuse(os.fsdecode(name))


def _start_noted(thread: threading.Thread) -> None:
    # aiosqlite connects in a thread of its own: the line that asked for it starts that thread.
    # (Starting a thread is an audit event from Python 3.12 on only.)
    setattr(thread, _ORIGIN, _stack())
    _start(thread)


def _refuse(name: str) -> None:
    # Only what is spelled out: a relative path starts in the copy.
    if os.path.isabs(name) and _is_real(name):
        raise PermissionError(13, "a file of the real project, not the copy's", name)


def _move_imports() -> None:
    """An editable install leads to the real project: import from the copy instead."""
    for place, entry in enumerate(sys.path):
        for folder in _REAL:
            if entry and _is_real(entry) and _inside(entry, folder):
                sys.path[place] = _COPY + entry[len(folder) :]


def _chain() -> None:
    """Run the sitecustomize that would have been run without this one."""
    import importlib.machinery
    import importlib.util

    rest = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_start = threading.Thread.start
threading.Thread.start = _start_noted  # type: ignore[method-assign, assignment]
sys.addaudithook(_hook)
_move_imports()
_chain()
