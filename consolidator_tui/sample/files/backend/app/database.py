"""The SQLAlchemy engine and sessions of the web application."""

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from app.config import DATABASE_URL

engine = create_engine(DATABASE_URL, connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(bind=engine, autoflush=False, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


@event.listens_for(engine, "connect")
def _enforce_foreign_keys(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def get_session() -> Iterator[Session]:
    with SessionLocal() as session:
        yield session


def utcnow() -> datetime:
    """The time as it is stored: UTC, without a zone."""
    return datetime.now(timezone.utc).replace(tzinfo=None)
