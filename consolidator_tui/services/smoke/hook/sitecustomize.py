"""Put first on PYTHONPATH of a smoke command: tells which line opens which database.

Runs in the application's own interpreter, which may be older than ours: nothing here may need
more than Python 3.8 and the standard library. `smoke.json` beside this file says what to watch.
Opening (or writing) a file of the real project instead of the copy is refused.
"""

import json
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_MOST_FRAMES = 200
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ORIGIN = "_consolidator_origin"

with open(os.path.join(_HERE, "smoke.json"), encoding="utf-8", errors="surrogateescape") as _file:
    _SETTINGS = json.load(_file)
_COPY = _SETTINGS["copy"]
_LOG = _SETTINGS["log"]
_REAL = tuple(_SETTINGS["real"])
"""Folders of the real project; the copy may be inside."""
_REAL_FILES = frozenset(_SETTINGS["real_files"])
_FREE = tuple(_SETTINGS["free"])
"""Folders of the real project that are used as they are: environments, packages."""


def _inside(path, folder):
    return path == folder or path.startswith(folder + os.sep)


def _is_real(path):
    if path in _REAL_FILES:
        return True
    if not any(_inside(path, folder) for folder in _REAL):
        return False
    return not _inside(path, _SETTINGS["scratch"]) and not any(_inside(path, f) for f in _FREE)


def _as_text(name):
    if isinstance(name, (str, bytes)) or hasattr(name, "__fspath__"):
        return os.fsdecode(name)
    return None


def _database_path(name):
    """The absolute path of what sqlite3.connect was given; None for no file."""
    text = _as_text(name)
    if not text or text == ":memory:":
        return None
    if text.startswith("file:"):
        from urllib.parse import unquote

        body, _, query = text[5:].partition("#")[0].partition("?")
        if "mode=memory" in query or not body or body == ":memory:":
            return None
        if body.startswith("//"):
            body = body[2:]
            body = body[body.find("/") :] if "/" in body else body
        text = unquote(body, errors="surrogateescape")
    return os.path.realpath(text)


def _frames(frame):
    """The frames of the application from the inside out, as (file, line, function)."""
    found = []
    count = 0
    while frame is not None and count < _MOST_FRAMES:
        name = frame.f_code.co_filename
        path = name if os.path.isabs(name) else os.path.abspath(name)
        if _inside(path, _COPY) or (_is_real(path) and os.path.exists(path)):
            if not any(_inside(path, folder) for folder in _SETTINGS["libraries"]):
                found.append([path, frame.f_lineno, frame.f_code.co_name])
        frame = frame.f_back
        count += 1
    return found


def _stack():
    """The application's frames in this thread, else where it started the thread or greenlet."""
    found = _frames(sys._getframe(2))
    if not found and "greenlet" in sys.modules:
        current = sys.modules["greenlet"].getcurrent()
        while not found and current.parent is not None:
            current = current.parent
            found = _frames(current.gr_frame)
    if not found and "threading" in sys.modules:
        thread = sys.modules["threading"].current_thread()
        found = getattr(thread, _ORIGIN, [])
    return found


def _write(entry):
    data = (json.dumps(entry) + "\n").encode("ascii")
    descriptor = os.open(_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def _hook(event, arguments):
    if event == "sqlite3.connect":
        path = _database_path(arguments[0])
        if path is not None:
            blocked = _is_real(path)
            _write({"path": path, "stack": _stack()[:5], "blocked": blocked})
            if blocked:
                raise PermissionError(13, "the real database, not the copy's", path)
    elif event == "_thread.start_new_thread" or event == "_thread.start_joinable_thread":
        owner = getattr(arguments[0], "__self__", None)
        if owner is not None and hasattr(owner, "__dict__"):
            setattr(owner, _ORIGIN, _stack()[:5])
    elif event == "open":
        name, _mode, flags = arguments
        if isinstance(name, str) and isinstance(flags, int) and flags & _WRITES and name != _LOG:
            _refuse(name)
    elif event in ("os.remove", "os.rename", "os.truncate", "shutil.rmtree"):
        for name in arguments[:2]:
            if isinstance(name, (str, bytes)) or hasattr(name, "__fspath__"):
                _refuse(os.fsdecode(name))


def _refuse(name):
    # Only spelled out: a relative path starts in the copy.
    if os.path.isabs(name) and _is_real(name):
        raise PermissionError(13, "a file of the real project, not the copy's", name)


def _move_imports():
    """An editable install leads to the real project: import from the copy instead."""
    for place, entry in enumerate(sys.path):
        if entry and _is_real(entry):
            for folder in _REAL:
                if _inside(entry, folder):
                    sys.path[place] = _COPY + entry[len(folder) :]


def _chain():
    """Run the sitecustomize that would have been run without this one."""
    import importlib.machinery
    import importlib.util

    rest = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


sys.addaudithook(_hook)
_move_imports()
_chain()
