"""Processes pending uploads: python -m app.agents.upload_agent [FILE --email SENDER]"""

import argparse
import hashlib
import mimetypes
import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER NOT NULL,
    email VARCHAR(120) NOT NULL,
    username VARCHAR(50) NOT NULL,
    full_name VARCHAR(120),
    password_hash VARCHAR(255) NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME,
    PRIMARY KEY (id),
    UNIQUE (email),
    UNIQUE (username)
);
CREATE TABLE IF NOT EXISTS uploads (
    id INTEGER NOT NULL,
    user_id VARCHAR(36) NOT NULL,
    content_hash VARCHAR(64) NOT NULL,
    filename VARCHAR(200) NOT NULL,
    mime_type VARCHAR(60) NOT NULL,
    size_bytes INTEGER NOT NULL,
    status VARCHAR(20) NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME,
    PRIMARY KEY (id),
    UNIQUE (content_hash)
);
CREATE TABLE IF NOT EXISTS agent_runs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    upload_id VARCHAR(36) NOT NULL,
    status VARCHAR(20) NOT NULL,
    detail TEXT,
    started_at DATETIME NOT NULL,
    finished_at DATETIME
);
"""


class UploadAgent:
    DEFAULT_DB = "data/app.db"

    def __init__(self, db_path: str = DEFAULT_DB) -> None:
        self.db_path = Path(db_path)
        self.db_path.parent.mkdir(parents=True, exist_ok=True)

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.db_path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_TABLES)
        return connection

    def receive(self, file: Path, email: str) -> int:
        """Note a file that somebody sent by mail; return the upload's id."""
        content = file.read_bytes()
        now = _now()
        with closing(self.connect()) as connection, connection:
            connection.execute(
                "INSERT INTO users (email, username, password_hash, created_at, updated_at)"
                " VALUES (?, ?, '!', ?, ?) ON CONFLICT (email) DO NOTHING",
                (email, email.partition("@")[0], now, now),
            )
            (user_id,) = connection.execute(
                "SELECT id FROM users WHERE email = ?", (email,)
            ).fetchone()
            digest = hashlib.sha256(content).hexdigest()
            connection.execute(
                "INSERT INTO uploads (user_id, content_hash, filename, mime_type, size_bytes,"
                " status, created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'pending', ?, ?)"
                " ON CONFLICT (content_hash) DO NOTHING",
                (str(user_id), digest, file.name, _mime(file), len(content), now, now),
            )
            (upload_id,) = connection.execute(
                "SELECT id FROM uploads WHERE content_hash = ?", (digest,)
            ).fetchone()
        return int(upload_id)

    def run(self) -> int:
        """Process every pending upload; return how many there were."""
        with closing(self.connect()) as connection, connection:
            pending = connection.execute(
                "SELECT id, filename, size_bytes FROM uploads WHERE status = 'pending' ORDER BY id"
            ).fetchall()
            for upload_id, filename, size in pending:
                now = _now()
                connection.execute(
                    "UPDATE uploads SET status = 'processed', updated_at = ? WHERE id = ?",
                    (now, upload_id),
                )
                connection.execute(
                    "INSERT INTO agent_runs (upload_id, status, detail, started_at, finished_at)"
                    " VALUES (?, 'done', ?, ?, ?)",
                    (str(upload_id), f"{filename}: {size} bytes", now, _now()),
                )
        return len(pending)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _mime(file: Path) -> str:
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--email", default="inbox@example.com")
    arguments = parser.parse_args()
    agent = UploadAgent()
    if arguments.file is not None:
        agent.receive(arguments.file, arguments.email)
    print(f"{agent.run()} uploads processed in {agent.db_path}")
