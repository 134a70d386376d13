"""The register of merge cases: every case is one function that builds, runs and judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lib import Project

Body = Callable[["Project"], None]

CATEGORIES = (
    "acceptance",
    "names",
    "keys",
    "keys_special",
    "keys_more",
    "references",
    "references_ids",
    "references_loose",
    "references_schema",
    "references_texts",
    "references_more",
    "references_texts",
    "survivorship",
    "survivorship_plan",
    "values",
    "drift",
    "drift_schema",
    "drift_migrations",
    "special",
    "special_missing",
    "files",
    "files_damaged",
    "files_names",
    "lineage",
    "contract",
    "contract_plan",
    "suggestions",
    "engine_more",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One black-box case: `name` is `category.function`, `phrase` says what must be right."""

    name: str
    phrase: str
    why: str
    """Which outcomes are acceptable, and the rule that says so."""
    body: Body


_CASES: dict[str, Case] = {}


def case(phrase: str) -> Callable[[Body], Body]:
    """Register the decorated function; its docstring is the reasoning of the judgement."""

    def register(body: Body) -> Body:
        name = f"{body.__module__.rsplit('.', 1)[-1]}.{body.__name__}"
        if name in _CASES:
            raise ValueError(f"two cases are called {name}")
        _CASES[name] = Case(name, phrase, (body.__doc__ or "").strip(), body)
        return body

    return register


def all_cases() -> list[Case]:
    """Every case of every category, in the order in which they are written."""
    for category in CATEGORIES:
        import_module(f"tests.cases.{category}")
    return list(_CASES.values())
