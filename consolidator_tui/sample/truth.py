"""What the sample holds and what a right merge of it must contain, as numbers for tests.

The reasons are in the documentation of `consolidator_tui.sample.writer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MAIN = "backend/app.db"
OLD = "backend/prompts.db"
DATA = "backend/data/app.db"


@dataclass(frozen=True, slots=True)
class SampleTruth:
    """Facts about the sample; counts are rows, maps by table name unless said otherwise."""

    target: str
    """Relative path of the file that is both base and target."""
    sources: tuple[str, ...]
    """Relative paths of the application's databases, in order of priority."""
    tests: tuple[str, ...]
    """Relative paths of what test runs left."""
    backups: tuple[str, ...]
    """Relative paths inside the earlier hand-made backup."""
    foreign: tuple[str, ...]
    """Relative paths of another program's databases."""
    empty: tuple[str, ...]
    """Relative paths of files of zero bytes."""
    rows: Mapping[str, Mapping[str, int]]
    """Source -> table -> rows, those in the WAL included."""
    wal_file: str
    wal_rows: Mapping[str, int]
    """Rows of `wal_file` that are only in its `-wal`; one more row is only changed there."""
    merged: Mapping[str, int]
    """Rows of a right merge after `SAMPLE_DECISIONS`."""
    exact_duplicates: Mapping[str, int]
    """Rows beyond the first of their entity that agree with it in every shared column."""
    decided: Mapping[str, int]
    """Conflicts (groups of rows) that `newest` decides."""
    undecided: Mapping[str, int]
    """Conflicts (groups of rows) that only a person can decide, the two admins among them."""
    survivors: Mapping[str, tuple[str, str | None]]
    """E-mail -> full name and phone after the merge, for the users in conflict."""
    admins: Mapping[str, str]
    """E-mail -> username after the merge, for the two admins."""
    passwords: Mapping[str, str]
    """Username -> password that logs in after the merge."""
    references: tuple[tuple[str, str, str], ...]
    """Undeclared references that must be followed: table, column, parent table."""

    @property
    def people(self) -> int:
        """Different persons over all sources."""
        return self.merged["users"]


SAMPLE_TRUTH = SampleTruth(
    target=MAIN,
    sources=(MAIN, OLD, DATA),
    tests=("backend/test.db", "backend/test_models.db"),
    backups=("backup_2025-12-20/app.db", "backup_2025-12-20/prompts.db"),
    foreign=("backend/vector_store/chroma.sqlite3",),
    empty=("app.db",),
    rows=MappingProxyType(
        {
            MAIN: {"users": 39, "prompts": 42, "transactions": 54, "uploads": 30},
            OLD: {"users": 35, "prompts": 38, "transactions": 38, "prompt_reviews": 30},
            DATA: {"users": 26, "uploads": 24, "agent_runs": 24},
        }
    ),
    wal_file=DATA,
    wal_rows=MappingProxyType({"users": 1, "uploads": 2, "agent_runs": 2}),
    merged=MappingProxyType(
        {
            "users": 60,
            "prompts": 52,
            "transactions": 68,
            "uploads": 49,
            "prompt_reviews": 30,
            "agent_runs": 24,
        }
    ),
    exact_duplicates=MappingProxyType(
        {"users": 31, "prompts": 24, "transactions": 24, "uploads": 2}
    ),
    decided=MappingProxyType({"users": 6, "prompts": 3, "uploads": 2}),
    undecided=MappingProxyType({"users": 3, "prompts": 1, "uploads": 1}),
    survivors=MappingProxyType(
        {
            "grace.obi@example.com": ("Grace Obi-Martens", None),
            "emily.stone@example.com": ("Emily Stone-Baker", "+44 20 7946 0441"),
            "priya.raman@example.com": ("Priya Raman-Iyer", "+44 20 7946 0779"),
            "marcus.lee@example.com": ("Marcus T. Lee", "+44 20 7946 0254"),
            "rosa.delgado@example.com": ("Rosa Delgado Ruiz", "+44 20 7946 0441"),
            "ben.carter@example.org": ("Benjamin Carter", "+44 20 7946 0793"),
            "hana.kim@example.com": ("Hana Kim", None),
            "isabel.costa@example.com": ("Isabel Costa Lima", None),
        }
    ),
    admins=MappingProxyType(
        {"admin@inkwell.example": "admin", "admin@agents.example": "agents_admin"}
    ),
    passwords=MappingProxyType(
        {
            "admin": "inkwell-admin",
            "agents_admin": "agents-admin",
            "ann.whitfield": "inkwell-ann",
        }
    ),
    references=(
        ("transactions", "user_id", "users"),
        ("transactions", "prompt_id", "prompts"),
        ("uploads", "user_id", "users"),
        ("prompt_reviews", "prompt_id", "prompts"),
        ("prompt_reviews", "user_id", "users"),
        ("agent_runs", "upload_id", "uploads"),
    ),
)

SAMPLE_DECISIONS = """\
# The same person, changed in both files in the same second.
[[decisions]]
table = "users"
entity = { email = "marcus.lee@example.com" }
keep = "backend/prompts.db"

# The same person, registered twice, without a time of change.
[[decisions]]
table = "users"
entity = { email = "hana.kim@example.com" }
keep = "backend/app.db"

# Two people; the second gets another username, and the role that the old file did not know.
[[decisions]]
table = "users"
entity = { username = "admin" }
keep = "both"
values = { username = "agents_admin", role = "admin" }

[[decisions]]
table = "prompts"
entity = { slug = "error-message" }
keep = "backend/prompts.db"

# The same document under two names.
[[decisions]]
table = "uploads"
entity = { content_hash = "a6528d3f498731bdd5b716fc8198b454d3db3601160a0b1b30b36abc6a1051de" }
keep = "backend/app.db"
"""
"""Lines for plan.toml that decide every conflict of the sample that no rule decides."""
