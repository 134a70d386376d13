import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.database import Base
from app.models import Prompt, User

engine = create_engine("sqlite:///./test_models.db")


@pytest.fixture
def session() -> Session:
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session


def _user(email: str, username: str) -> User:
    return User(email=email, username=username, password_hash="!")


def test_defaults(session: Session) -> None:
    session.add(_user("carol@test.example", "carol"))
    session.commit()
    user = session.query(User).one()
    assert (user.role, user.is_active, user.locale) == ("member", True, "en")


def test_email_is_unique(session: Session) -> None:
    session.add_all([_user("dan@test.example", "dan"), _user("dan@test.example", "dan2")])
    with pytest.raises(IntegrityError):
        session.commit()


def test_owner(session: Session) -> None:
    user = _user("erin@test.example", "erin")
    user.prompts.append(Prompt(slug="limerick", title="Limerick", body="{topic}", category="fun"))
    session.add(user)
    session.commit()
    assert session.query(Prompt).one().owner.username == "erin"
