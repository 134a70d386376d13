"""Creates the admin account, or gives it a new password: python scripts/create_admin.py"""

import argparse
import sys
from pathlib import Path
from typing import Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import select  # noqa: E402
from sqlalchemy.exc import OperationalError  # noqa: E402

from app.database import SessionLocal  # noqa: E402
from app.models import User  # noqa: E402
from app.security import hash_password  # noqa: E402


def main(arguments: Optional[list[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--username", default="admin")
    parser.add_argument("--email", default="admin@inkwell.example")
    parser.add_argument("--password", default="inkwell-admin")
    options = parser.parse_args(arguments)
    with SessionLocal() as session:
        try:
            user = session.scalar(select(User).where(User.username == options.username))
        except OperationalError as error:
            print(f"{error.orig}. Run scripts/create_tables.py first.", file=sys.stderr)
            return 1
        made = user is None
        if user is None:
            user = User(username=options.username, email=options.email, full_name="Administrator")
            session.add(user)
        user.role = "admin"
        user.is_active = True
        user.password_hash = hash_password(options.password)
        session.commit()
    print(f"{options.username} {'created' if made else 'has a new password'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
