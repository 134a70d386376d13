import os

# Before the application is imported: its .env does not override what is set already.
os.environ["DATABASE_URL"] = "sqlite:///./test.db"

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.database import Base, SessionLocal, engine
from app.main import app
from app.models import User
from app.security import hash_password


@pytest.fixture(autouse=True)
def tables() -> None:
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture
def alice() -> User:
    with SessionLocal() as session:
        user = User(
            email="alice@test.example",
            username="alice",
            full_name="Alice Test",
            password_hash=hash_password("alice-password"),
        )
        session.add(user)
        session.commit()
        return user


@pytest.fixture
def token(client: TestClient, alice: User) -> dict[str, str]:
    answer = client.post("/auth/login", json={"username": "alice", "password": "alice-password"})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}
