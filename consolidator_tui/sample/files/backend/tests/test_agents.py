from pathlib import Path

from app.agents.prompt_agent import PromptAgent
from app.agents.upload_agent import UploadAgent
from app.database import SessionLocal
from app.models import User
from scripts import create_admin


def test_prompt_agent_on_an_empty_database(tmp_path: Path) -> None:
    assert PromptAgent(str(tmp_path / "agent.db")).run() == 0


def test_prompt_agent_scores() -> None:
    assert PromptAgent.review("Too short.")[0] == 2
    assert PromptAgent.review("Summarise {text} in three sentences for a busy reader.")[0] == 5


def test_upload_agent(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("hello")
    agent = UploadAgent(str(tmp_path / "data" / "agent.db"))
    first = agent.receive(letter, "frank@test.example")
    assert agent.receive(letter, "grace@test.example") == first
    assert (agent.run(), agent.run()) == (1, 0)


def test_create_admin() -> None:
    assert create_admin.main(["--password", "one"]) == 0
    assert create_admin.main(["--password", "two"]) == 0
    with SessionLocal() as session:
        assert [user.role for user in session.query(User)] == ["admin"]
