"""Reviews prompts that nobody has reviewed yet: python -m app.agents.prompt_agent"""

import sqlite3
from contextlib import closing
from datetime import datetime, timezone

_TABLES = """
CREATE TABLE IF NOT EXISTS prompts (
    id INTEGER NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL,
    slug VARCHAR(80) NOT NULL UNIQUE,
    title VARCHAR(120) NOT NULL,
    body TEXT NOT NULL,
    category VARCHAR(30) NOT NULL,
    forked_from INTEGER,
    created_at DATETIME NOT NULL,
    updated_at DATETIME
);
CREATE TABLE IF NOT EXISTS prompt_reviews (
    id INTEGER NOT NULL,
    prompt_id INTEGER NOT NULL,
    user_id VARCHAR(36),
    score INTEGER NOT NULL,
    comment TEXT,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id)
);
"""


class PromptAgent:
    def __init__(self, db_path: str = "prompts.db") -> None:
        self.db_path = db_path

    def run(self) -> int:
        """Review every prompt without a review; return how many there were."""
        with closing(sqlite3.connect(self.db_path)) as connection, connection:
            connection.executescript(_TABLES)
            waiting = connection.execute(
                "SELECT id, user_id, body FROM prompts"
                " WHERE id NOT IN (SELECT prompt_id FROM prompt_reviews) ORDER BY id"
            ).fetchall()
            now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
            connection.executemany(
                "INSERT INTO prompt_reviews (prompt_id, user_id, score, comment, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                [
                    (prompt_id, str(user_id), *self.review(body), now)
                    for prompt_id, user_id, body in waiting
                ],
            )
        return len(waiting)

    @staticmethod
    def review(body: str) -> tuple[int, str]:
        """A score from 1 to 5 and a comment on a prompt's text."""
        words = len(body.split())
        if words < 8:
            return 2, "Too short to say what is wanted."
        if "{" not in body:
            return 3, "Has no placeholder, so it cannot be reused."
        return (5, "Clear and reusable.") if words <= 60 else (4, "Good, could be shorter.")


if __name__ == "__main__":
    agent = PromptAgent()
    print(f"{agent.run()} prompts reviewed in {agent.db_path}")
