"""Creates the tables that are missing: python scripts/create_tables.py"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app import models  # noqa: E402, F401
from app.config import DATABASE_URL  # noqa: E402
from app.database import Base, engine  # noqa: E402


def main() -> int:
    Base.metadata.create_all(engine)
    print(f"{len(Base.metadata.tables)} tables are there in {DATABASE_URL}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
