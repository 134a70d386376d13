"""Asking a server on loopback: does it answer, does a login work."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from urllib.parse import urlencode

from consolidator_tui.domain.smoke import Login

HOST = "127.0.0.1"
_ONE_REQUEST = 10.0
"""Seconds."""
_PAUSE = 0.1


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Whether somebody listens on the port. Blocking, at most a second."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


async def answers(port: int, path: str, seconds: float, ended: asyncio.Future[int]) -> str:
    """Ask until the server answers well; returns what is wrong, empty when nothing is.

    `path` empty: any answer to `/` but a server error (5xx) will do. `ended` is the process's
    end.
    """
    deadline = time.monotonic() + seconds
    last = "nobody listened"
    while time.monotonic() < deadline:
        if ended.done():
            return f"the server ended with status {ended.result()} before it answered"
        try:
            status = await asyncio.to_thread(_ask, port, "GET", path or "/", None, "")
        except (OSError, http.client.HTTPException) as error:
            last = str(error) or type(error).__name__
        else:
            if 200 <= status < 300 or (not path and status < 500):
                return ""
            last = f"GET {path or '/'} answered {status}"
            if 400 <= status < 500:
                return last
        await asyncio.wait([ended], timeout=_PAUSE)
    return f"{last} within {seconds:g} s"


async def log_in(port: int, login: Login) -> str:
    """Try a login; returns what is wrong without naming what was sent, empty when nothing is."""
    if login.form:
        body, kind = urlencode(login.fields), "application/x-www-form-urlencoded"
    else:
        body, kind = json.dumps(dict(login.fields)), "application/json"
    try:
        status = await asyncio.to_thread(_ask, port, "POST", login.path, body, kind)
    except (OSError, http.client.HTTPException) as error:
        return f"POST {login.path}: {error or type(error).__name__}"
    # A form's login usually leads to another page.
    good = 200 <= status < (400 if login.form else 300)
    return "" if good else f"POST {login.path} answered {status}"


def _ask(port: int, method: str, path: str, body: str | None, kind: str) -> int:
    connection = http.client.HTTPConnection(HOST, port, timeout=_ONE_REQUEST)
    headers = {"Content-Type": kind} if kind else {}
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        response.read(65_536)
        return response.status
    finally:
        connection.close()
