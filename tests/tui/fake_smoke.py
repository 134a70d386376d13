"""Smoke commands and what they come to, as a project with tests and a server has them."""

from __future__ import annotations

from collections.abc import Sequence

from consolidator_tui.domain.smoke import (
    CommandKind,
    Finding,
    FindingKind,
    InitCheck,
    Login,
    Opening,
    SchemaDifference,
    Side,
    SmokeCommand,
    SmokeReport,
    Start,
    StartResult,
    Verdict,
)


def smoke_commands() -> tuple[SmokeCommand, ...]:
    """Tests and a server from two places each, and a program that is not selected."""
    tests = (
        Start("backend", "python -m pytest"),
        Start("", "python -m pytest {project}/backend", {"PYTHONPATH": "{project}"}, False),
    )
    server = (Start("backend", "uvicorn app.main:app --port {port}"),)
    return (
        SmokeCommand("pytest in backend", CommandKind.TESTS, tests, 900, reason="pytest.ini"),
        SmokeCommand(
            "uvicorn app.main:app",
            CommandKind.SERVER,
            server,
            30,
            health="/health",
            login=Login("/auth/login", {"username": "", "password": ""}),
            reason="backend/app/main.py",
        ),
        SmokeCommand(
            "app.agents.prompt_agent",
            CommandKind.SCRIPT,
            (Start("backend", "python -m app.agents.prompt_agent"),),
            120,
            selected=False,
            reason="backend/app/agents/prompt_agent.py",
        ),
    )


def smoke_report(commands: Sequence[SmokeCommand], *, broken: bool) -> SmokeReport:
    """Everything passes, or the first command brings an old file back."""
    results = []
    for command in commands:
        for start in command.starts:
            bad = broken and not results
            found = (_finding(),) if bad else ()
            results.append(
                StartResult(
                    command.name, start, Verdict.PASSED, 0, 1.2, findings=found, tail=("14 passed",)
                )
            )
    extra = SchemaDifference(Side.TARGET_ONLY, "table", "agent_runs")
    init = InitCheck(results[-1], True, (extra,)) if results else None
    return SmokeReport(tuple(results), init, (), 3.4)


def _finding() -> Finding:
    opening = Opening("backend/prompts.db", "backend/app/agents/prompt_agent.py", 32, "connect")
    return Finding(
        FindingKind.REAPPEARED,
        "backend/prompts.db",
        "backend/prompts.db came back (opened by backend/app/agents/prompt_agent.py, line 32).",
        (opening,),
        ("backend/app/agents/prompt_agent.py:9",),
    )
