"""Which `.env` files reach a container, by compose files and Dockerfiles in many forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from consolidator_tui.services.references.containers import Containers

COPY = "COPY . /app\n"
SET = "ENV DATABASE_URL=sqlite:////data/app.db\n"
BUILT = """services:
  a:
    build:
      context: .
      target: B
      dockerfile_inline: |
        FROM x AS b
        COPY . /app
        FROM b
        ENV DATABASE_URL=sqlite:////data/app.db
"""
HANDED = {
    "set in another stage": ("Dockerfile", f"FROM a AS b\n{SET}FROM c\n{COPY}"),
    "set in the stage that is left": (
        "Dockerfile",
        f"FROM a AS b\n{SET}{COPY}FROM c\nCOPY --from=b /app /app\n",
    ),
    "a name of its own": ("Dockerfile", f"FROM python AS python\n{COPY}FROM c\n"),
    "seen by a RUN": ("Dockerfile", "FROM a\nRUN --mount=type=bind,source=.env,target=.env make\n"),
    "all seen by a RUN": ("Dockerfile", "FROM a\nRUN --mount=target=/src make\n"),
    "two folders below": ("docker/prod/Dockerfile", f"FROM a\n{COPY}"),
    "compose two folders below": (
        "deploy/prod/compose.yml",
        "services: {a: {env_file: ../../.env}}",
    ),
    "mount with default": ("compose.yml", "services: {a: {volumes: ['${ROOT:-.}:/app']}}"),
    "mount by variable": ("compose.yml", "services: {a: {volumes: ['${ROOT}:/app']}}"),
    "long mount": (
        "compose.yml",
        "services: {a: {volumes: [{source: '${ROOT-.}', target: /app}]}}",
    ),
    "env_file with default": ("compose.yml", "services: {a: {env_file: '${ENV_FILE:-.env}'}}"),
    "env_file by variable": ("compose.yml", "services: {a: {env_file: '${ENV_FILE:?none}'}}"),
    "absolute": ("compose.yml", "services: {a: {env_file: ['@/.env']}}"),
    "secrets": ("compose.yml", "services: {a: {}}\nsecrets: {s: {file: ./.env}}"),
    "configs": ("compose.yml", "services: {a: {}}\nconfigs: {s: {file: '${D:-.}/.env'}}"),
    "built to a stage": ("compose.yml", BUILT),
}
KEPT = {
    "set in the same stage": ("Dockerfile", f"FROM a\n{COPY}{SET}"),
    "set in the stage below": ("Dockerfile", f"FROM a AS b\n{SET}FROM b\n{COPY}"),
    "copied in a stage that is dropped into one": (
        "Dockerfile",
        f"FROM a AS b\n{COPY}FROM c\n{SET}COPY --from=b /app /app\n",
    ),
    "another stage is seen": (
        "Dockerfile",
        "FROM a\nRUN --mount=type=bind,from=b,source=.env make\n",
    ),
    "a cache": ("Dockerfile", "FROM a\nRUN --mount=type=cache,target=/root/.cache make\n"),
    "another file by default": (
        "compose.yml",
        "services: {a: {env_file: '${ENV_FILE:-prod.env}'}}",
    ),
    "another file by variable": ("compose.yml", "services: {a: {env_file: '${MODE}/web.env'}}"),
    "a named volume by default": ("compose.yml", "services: {a: {volumes: ['${V:-data}:/data']}}"),
    "a folder by variable": ("compose.yml", "services: {a: {volumes: ['${V}/pg:/data']}}"),
    "another secret": ("compose.yml", "services: {a: {}}\nsecrets: {s: {file: ./key.txt}}"),
}


@pytest.mark.parametrize("name", ["Dockerfile", "deploy/Dockerfile", "compose.yml"])
def test_what_cannot_be_read_may_hand_it_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "Dockerfile" or path.suffix == ".yml":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    assert Containers(tmp_path).hands(".env", "DATABASE_URL") == ""
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert f"{name} cannot be read, and may" in Containers(tmp_path).hands(".env", "DATABASE_URL")
    (tmp_path / ".dockerignore").write_text(".env\n")
    said = Containers(tmp_path).hands(".env", "DATABASE_URL")
    assert (said == "") == name.endswith("Dockerfile")


@pytest.mark.parametrize("handed", [True, False])
def test_whether_an_env_file_reaches_a_container(tmp_path: Path, *, handed: bool) -> None:
    wrong = []
    for number, (title, (name, text)) in enumerate((HANDED if handed else KEPT).items()):
        project = tmp_path / str(number)
        (project / name).parent.mkdir(parents=True)
        (project / name).write_text(text.replace("@", str(project)))
        (project / ".env").write_text("DATABASE_URL=sqlite:///app.db\n")
        if bool(Containers(project).hands(".env", "DATABASE_URL")) != handed:
            wrong.append(title)
    assert wrong == []
