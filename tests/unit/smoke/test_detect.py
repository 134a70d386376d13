"""Commands are found in files, each with the places that it is started from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from consolidator_tui.domain.smoke import OUTSIDE, CommandKind, SmokeCommand, started_in
from consolidator_tui.sample.writer import write_sample
from consolidator_tui.services.smoke import detect, from_text

MAIN = "if __name__ == '__main__':\n    print('sqlite3')\n"


async def find(folder: Path, files: Mapping[str, str]) -> dict[str, SmokeCommand]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {command.name: command for command in await detect(folder)}


async def test_the_sample(tmp_path: Path) -> None:
    write_sample(tmp_path)
    found = {command.name: command for command in await detect(tmp_path)}
    assert {name: (c.kind.value, c.selected) for name, c in found.items()} == {
        "pytest in backend": ("tests", True),
        "scripts/create_tables.py": ("create", True),
        "scripts/create_admin.py": ("script", True),
        "uvicorn app.main:app": ("server", True),
        "app.agents.prompt_agent": ("script", False),
        "app.agents.upload_agent": ("script", False),
    }
    assert all([s.folder for s in c.starts] == ["backend", ""] for c in found.values())
    assert all(c.starts[0].required and not c.starts[1].required for c in found.values())
    server = found["uvicorn app.main:app"]
    assert server.health == "/health"
    assert server.login is not None
    assert (server.login.path, dict(server.login.fields), server.login.form) == (
        "/auth/login",
        {"username": "", "password": ""},
        False,
    )


async def test_flask(tmp_path: Path) -> None:
    found = await find(
        tmp_path,
        {
            "app.py": "from flask import Flask, request\napp = Flask(__name__)\n"
            "@app.route('/health')\ndef health(): return 'ok'\n"
            "@app.route('/login', methods=['GET', 'POST'])\n"
            "def login(): return request.form['username']\n"
            "if __name__ == '__main__':\n    app.run(port=5055)\n",
            "init_db.py": MAIN,
            "seed.py": MAIN,
        },
    )
    server = found["flask app:app"]
    assert (server.kind, server.health, server.selected) == (CommandKind.SERVER, "/health", True)
    assert server.login is not None
    assert (server.login.path, server.login.form) == ("/login", True)
    assert server.starts[1].folder == OUTSIDE
    own = found["app.py"]
    assert (own.port, own.selected) == (5055, False)
    assert found["init_db.py"].kind is CommandKind.CREATE
    assert found["seed.py"].kind is CommandKind.SCRIPT


async def test_django(tmp_path: Path) -> None:
    found = await find(
        tmp_path,
        {
            "site/manage.py": "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'x.settings'\n"
            + MAIN,
            "site/shop/tests.py": "from django.test import TestCase\n",
        },
    )
    kinds = {name: command.kind.value for name, command in found.items()}
    assert kinds == {
        "manage.py test": "tests",
        "manage.py migrate": "create",
        "manage.py check": "script",
        "manage.py runserver": "server",
    }
    assert found["manage.py test"].starts[0].folder == "site"


async def test_included_routers_and_forms(tmp_path: Path) -> None:
    found = await find(
        tmp_path,
        {
            "api/main.py": "from fastapi import FastAPI\nfrom api import users\n"
            "app = FastAPI()\napp.include_router(users.router, prefix='/v1')\n",
            "api/users.py": "from fastapi import APIRouter\nrouter = APIRouter(prefix='/auth')\n"
            "@router.post('/token')\n"
            "def token(form: OAuth2PasswordRequestForm = Depends()): ...\n",
        },
    )
    server = found["uvicorn api.main:app"]
    assert server.starts[0].folder == ""
    assert server.login is not None
    assert (server.login.path, server.login.form) == ("/v1/auth/token", True)


async def test_npm(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    found = await find(
        tmp_path,
        {
            "package.json": '{"scripts": {"test": "vitest", "start": "node .", "seed": "node s"}}',
            "web/package.json": '{"scripts": {"test": "echo no test specified && exit 1"}}',
            "bad/package.json": "[1",
        },
    )
    assert {name: c.selected for name, c in found.items()} == {
        "npm run test": True,
        "npm run seed": True,
        "npm run start": False,
    }


async def test_other_programs_are_offered_and_not_selected(tmp_path: Path) -> None:
    found = await find(tmp_path, {"mail_everybody.py": MAIN, "broken.py": "def ("})
    assert [(c.name, c.selected) for c in found.values()] == [("mail_everybody.py", False)]


@pytest.mark.parametrize(
    ("text", "folder", "command", "kind"),
    [
        ("python -m pytest", "backend", "python -m pytest", CommandKind.TESTS),
        ("backend: python x.py", "backend", "python x.py", CommandKind.SCRIPT),
        ("nowhere: x", "", "nowhere: x", CommandKind.SCRIPT),
        ("serve --port {port}", "", "serve --port {port}", CommandKind.SERVER),
        ("tox", "", "tox", CommandKind.TESTS),
    ],
)
async def test_what_the_command_line_means(
    tmp_path: Path, text: str, folder: str, command: str, kind: CommandKind
) -> None:
    write_sample(tmp_path)
    (found,) = from_text(text, tmp_path, await detect(tmp_path))
    assert (found.starts[0].folder, found.starts[0].command, found.kind) == (folder, command, kind)


async def test_a_name_never_holds_a_password(tmp_path: Path) -> None:
    line = "TOKEN=abc python -m x.admin --password hunter2 --key=hunter3"
    (found,) = from_text(line, tmp_path, ())
    assert found.name == "TOKEN=… python -m x.admin --password … --key=…"
    assert found.starts[0].command == line
    (auto,) = from_text("auto", tmp_path, (found,))
    assert auto is found


@pytest.mark.parametrize(
    ("command", "folder", "told"),
    [
        ("pytest", "", "pytest"),
        ("pytest", OUTSIDE, "pytest in another folder"),
        ("npm run test in scripts", "scripts", "npm run test in scripts"),
        ("pytest in backend", "", "pytest in backend, started in the project"),
    ],
)
def test_a_command_is_told_with_its_folder_once(command: str, folder: str, told: str) -> None:
    assert started_in(command, folder) == told
