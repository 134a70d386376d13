"""What is said of a smoke command and of what came of it."""

from __future__ import annotations

from rich.text import Text

from consolidator_tui.domain.smoke import (
    Finding,
    Opening,
    SmokeReport,
    StartResult,
    Verdict,
    folder_name,
)
from consolidator_tui.domain.words import plural
from consolidator_tui.tui.signs import BAD, GOOD, TODO, WARN, WORK
from consolidator_tui.tui.text import duration, lines, plain, safe, sign
from consolidator_tui.tui.theme import Inks
from consolidator_tui.tui.trials import Running, Trial, environment_text, result_of
from consolidator_tui.tui.widgets.fit_table import Row

INIT = "init"
PROJECT = "project"
_TAIL = 12
_MOST_DIFFERENCES = 40


def outcome(trial: Trial, running: Running | None, report: SmokeReport | None, ink: Inks) -> Text:
    """A command's line in the list: how it ended, or how far it is."""
    if report is not None:
        result = result_of(report, trial)
        return Text("") if result is None else _verdict(result, ink)
    if running is None or not trial.chosen:
        return Text("")
    if not running.live and trial.place not in running.ended:
        return Text("not run", str(ink.muted))
    ended = running.ended.get(trial.place)
    if ended is not None:
        mark = sign(GOOD, ink.good) if ended.ok else sign(BAD, ink.bad)
        return mark.append(f"{ended.verdict}, {duration(ended.seconds)}")
    if running.current == trial.place:
        return sign(WORK, ink.accent).append("running")
    return Text(f"{TODO} waiting", str(ink.muted))


def _verdict(result: StartResult, ink: Inks) -> Text:
    took = duration(result.seconds)
    if result.findings:
        text = sign(BAD, ink.bad)
        return text.append_text(plain(result.findings[0].sentence))
    if result.verdict is Verdict.PASSED:
        return sign(GOOD, ink.good).append(f"passed, {took}")
    if not result.start.required:
        return sign(WARN, ink.warn).append(f"{result.verdict}; not normally started there")
    return sign(BAD, ink.bad).append(str(result.verdict))


def extra_rows(report: SmokeReport | None, ink: Inks) -> list[Row]:
    """What was looked at besides the commands: creation, and the project itself."""
    rows: list[Row] = []
    init = report.init if report is not None else None
    if init is not None:
        if init.equal:
            said = sign(GOOD, ink.good).append("makes the same schema")
        elif init.ok:
            number = plural(len(init.differences), "difference")
            said = sign(WARN, ink.warn).append(f"makes it, with {number}")
        else:
            wrong = "schema differs" if init.made else "it makes no database"
            said = sign(BAD, ink.bad).append(wrong)
        line = plain(init.result.start.command)
        rows.append((INIT, (Text("·"), line, plain("no database there"), "", said)))
    for finding in report.findings if report is not None else ():
        said = sign(BAD, ink.bad).append_text(plain(finding.sentence))
        rows.append((PROJECT, (Text("·"), "the project itself", "", "", said)))
        break
    return rows


def about(trial: Trial, report: SmokeReport | None, ink: Inks) -> Text:
    """A command, and all that is known of its last run."""
    command, start = trial.command, trial.start
    result = result_of(report, trial)
    text = Text(end="")
    if result is not None:
        _tell_result(text, result, ink)
    _line(text, "Runs", start.command, ink)
    place = folder_name(start.folder)
    usual = "" if start.required else " (a second place: only databases count there)"
    _line(text, "Started in", place + usual, ink)
    if start.environment:
        _line(text, "Variables", environment_text(start.environment), ink)
    ends = "until it answers" if command.health or command.login else "at most"
    _line(text, "Kind", f"{command.kind}; {ends} {command.timeout:g} s", ink)
    if command.health:
        _line(text, "Health", f"GET {command.health}", ink)
    if command.login is not None:
        filled = "" if command.login.complete else " (not tried: e fills it in)"
        _line(text, "Login", f"POST {command.login.path}{filled}", ink)
    _line(text, "Found in", command.reason, ink)
    return text


def _tell_result(text: Text, result: StartResult, ink: Inks) -> None:
    good = result.verdict is Verdict.PASSED
    text.append(f"{GOOD if good else BAD} ", str(ink.good if good else ink.bad))
    text.append(f"{result.verdict}, {duration(result.seconds)}. {lines(result.reason)}\n", "bold")
    for finding in result.findings:
        _tell_finding(text, finding, ink)
    opened = sorted({opening.database for opening in result.openings if not opening.blocked})
    if opened:
        _line(text, "Opened", ", ".join(opened), ink)
    if (not good or result.findings) and result.tail:
        text.append("Its last lines (o shows all)\n", str(ink.muted))
        for line in result.tail[-_TAIL:]:
            text.append(f"  {safe(line, 400)}\n")


def _tell_finding(text: Text, finding: Finding, ink: Inks) -> None:
    text.append(f"{BAD} ", str(ink.bad))
    text.append(f"{lines(finding.sentence)}\n", "bold")
    for opening in finding.opened_by[:5]:
        _line(text, "Opened by", _place(opening), ink)
    for reference in finding.references[:5]:
        _line(text, "Named in", reference, ink)


def _place(opening: Opening) -> str:
    if not opening.file:
        return "a line that is not known"
    inside = f" in {opening.function}" if opening.function else ""
    return f"{opening.file}, line {opening.line}{inside}"


def closing(key: str, report: SmokeReport, ink: Inks) -> Text:
    """The creation check, or what happened to the project itself."""
    text = Text(end="")
    if key == PROJECT:
        for finding in report.findings:
            _tell_finding(text, finding, ink)
        return text
    init = report.init
    if init is None:
        return text
    _tell_result(text, init.result, ink)
    if not init.made:
        text.append("Where there is no database, this command did not make one.\n")
    elif init.equal:
        text.append("A new database has the schema of the unified one.\n")
    for difference in init.differences[:_MOST_DIFFERENCES]:
        text.append(f"{BAD if difference.breaks else WARN} {safe(str(difference))}\n")
    return text


def _line(text: Text, label: str, value: str, ink: Inks) -> None:
    text.append(f"{label:<11} ", str(ink.muted))
    text.append(f"{lines(value)}\n")
