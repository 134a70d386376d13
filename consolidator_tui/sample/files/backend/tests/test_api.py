from fastapi.testclient import TestClient

from app.models import User


def test_health(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}


def test_register_then_login(client: TestClient) -> None:
    form = {"email": "bob@test.example", "username": "bob", "password": "bob-password"}
    assert client.post("/auth/register", json=form).status_code == 201
    assert client.post("/auth/register", json=form).status_code == 409
    answer = client.post("/auth/login", json={"username": "bob", "password": "bob-password"})
    assert answer.status_code == 200


def test_wrong_password(client: TestClient, alice: User) -> None:
    answer = client.post("/auth/login", json={"username": "alice", "password": "guess"})
    assert answer.status_code == 401


def test_me(client: TestClient, token: dict[str, str]) -> None:
    assert client.get("/auth/me", headers=token).json()["email"] == "alice@test.example"
    assert client.get("/auth/me", headers={"Authorization": "Bearer 1.2.3"}).status_code == 401


def test_prompts(client: TestClient, token: dict[str, str]) -> None:
    form = {"slug": "haiku", "title": "Haiku", "body": "Write a haiku about {topic}."}
    assert client.post("/prompts", json=form, headers=token).status_code == 201
    assert client.post("/prompts", json=form, headers=token).status_code == 409
    assert [prompt["slug"] for prompt in client.get("/prompts").json()] == ["haiku"]


def test_uploads(client: TestClient, token: dict[str, str]) -> None:
    form = {
        "content_hash": "0" * 64,
        "filename": "notes.txt",
        "mime_type": "text/plain",
        "size_bytes": 12,
    }
    assert client.post("/uploads", json=form, headers=token).status_code == 201
    assert client.post("/uploads", json=form, headers=token).status_code == 409
    assert len(client.get("/uploads", headers=token).json()) == 1


def test_users_are_for_admins(client: TestClient, token: dict[str, str]) -> None:
    assert client.get("/users", headers=token).status_code == 403
