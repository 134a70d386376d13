from __future__ import annotations

from pathlib import Path

import pytest

from consolidator_tui.cli.main import COMMANDS, WIZARD, main, mistaken_command, parser, with_command


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], [WIZARD]),
        (["."], [WIZARD, "."]),
        (["./run"], [WIZARD, "./run"]),
        (["project"], [WIZARD, "project"]),
        (["run", "p"], ["run", "p"]),
        (["--help"], ["--help"]),
        (["scan", "--help"], ["scan", "--help"]),
        (["caf\udce9"], [WIZARD, "caf\udce9"]),
    ],
)
def test_the_wizard_is_the_command_that_stands_for_none(given: list[str], meant: list[str]) -> None:
    assert with_command(given) == meant


def test_every_command_is_known_and_has_an_answer() -> None:
    for command in COMMANDS:
        assert callable(parser().parse_args([command]).answer)


def test_options_of_a_run() -> None:
    chosen = parser().parse_args(
        ["run", "p", "--source", "a", "--source", "b", "--on-conflict", "newest,base", "--yes"]
    )
    assert chosen.project == Path("p")
    assert chosen.source == ["a", "b"]
    assert chosen.on_conflict == "newest,base"
    assert chosen.yes
    assert not chosen.as_json


def test_options_are_not_abbreviated(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["run", "p", "--ye"])
    assert caught.value.code == 2
    assert "--ye" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["--target", ""], ["--base", ""], ["--source", ""], [""]])
def test_an_empty_text_names_no_file(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A variable that is not set must not choose another target than was meant."""
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["run", *given])
    assert caught.value.code == 2
    assert "names no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "other"),
    [
        (["--ignore-references"], "Add --cleanup"),
        (["--introduce-key", "DB"], "Add --configure"),
        (["--smoke", " "], "Name a command"),
    ],
)
def test_an_option_that_does_nothing_alone_is_refused(
    tmp_path: Path, given: list[str], other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", str(tmp_path), *given, "--yes"])
    assert caught.value.code == 2
    assert other in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["runn", "shop"], "did you mean 'run'?"),
        (["--json", "rollbak", "shop"], "did you mean 'rollback'?"),
        (["help"], "--help"),
        (["run", "shop"], ""),
        (["shop"], ""),
        ([], ""),
    ],
)
def test_a_command_that_is_nearly_one(
    given: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless a folder is called so."""
    monkeypatch.chdir(tmp_path)
    found = mistaken_command(given)
    assert told in found
    assert bool(found) == bool(told)
    for name in given:
        (tmp_path / name).mkdir(exist_ok=True)
    assert mistaken_command(given) == ""
