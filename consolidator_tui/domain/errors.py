"""Every error that a person can meet, as one tree.

ConsolidatorError
├── UsageError            bad arguments or paths                    exit 2
├── PlanError             the plan document is wrong                exit 2
├── DecisionsNeeded       the merge needs answers first             exit 3
├── Refused               a gate is closed, a file cannot be used   exit 4
│   ├── FileRefused       one file cannot be used
│   ├── LockedError       somebody else holds a file or the project
│   └── GateClosed        a precondition of a destructive step fails
├── Failed                something went wrong, nothing was changed exit 1
│   ├── DiskFull
│   ├── VerificationFailed
│   └── BackupDamaged
└── Cancelled             the person stopped it                     exit 1
"""

from __future__ import annotations


class ConsolidatorError(Exception):
    """Base of all errors with a title, one plain sentence, and what to do next."""

    title = "Something went wrong"
    exit_status = 1
    outcome = "failed"

    def __init__(self, sentence: str, *, todo: str = "", title: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.todo = todo
        if title is not None:
            self.title = title

    def __str__(self) -> str:
        return f"{self.sentence} {self.todo}".strip()


class UsageError(ConsolidatorError):
    """The command was called with arguments that cannot be right."""

    title = "Cannot do that"
    exit_status = 2
    outcome = "refused"


class PlanError(ConsolidatorError):
    """The plan document has an unknown key, a wrong name or a contradiction."""

    title = "The plan cannot be used"
    exit_status = 2
    outcome = "refused"


class DecisionsNeeded(ConsolidatorError):
    """The merge is unsafe without an answer; `questions` say which plan lines settle it."""

    title = "Decisions needed"
    exit_status = 3
    outcome = "needs_decisions"

    def __init__(self, sentence: str, *, todo: str = "", questions: tuple[str, ...] = ()) -> None:
        super().__init__(sentence, todo=todo)
        self.questions = questions


class Refused(ConsolidatorError):
    """A gate is closed or a file cannot be used; nothing was changed."""

    title = "Refused"
    exit_status = 4
    outcome = "refused"


class FileRefused(Refused):
    """One file cannot be used as it is: not a database, damaged, unreadable."""

    title = "File cannot be used"


class LockedError(Refused):
    """Another process holds a database or this project's run."""

    title = "Locked by another process"


class GateClosed(Refused):
    """A precondition of a destructive step does not hold."""

    title = "Not yet safe"


class Failed(ConsolidatorError):
    """A step failed; originals and target are as they were."""

    title = "Step failed"


class DiskFull(Failed):
    """The file system has no room left."""

    title = "Disk full"


class VerificationFailed(Failed):
    """The staged database does not prove what it must; it was not promoted."""

    title = "Verification failed"


class BackupDamaged(Failed):
    """A backup file is not what its manifest says."""

    title = "Backup damaged"
    exit_status = 4
    outcome = "refused"


class Cancelled(ConsolidatorError):
    """The person, or a signal, stopped the step."""

    title = "Stopped"
