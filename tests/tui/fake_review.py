"""Conflicts in memory, decided as the session does it: what the review screen is tested on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from consolidator_tui.domain.conflict import (
    Alike,
    Choice,
    Chosen,
    ConflictDetail,
    ConflictGroup,
    ConflictKind,
    ConflictPage,
    ConflictQuery,
    Counted,
    Decided,
    Made,
    RulePreview,
    SharedKey,
    TableRules,
    Version,
)
from consolidator_tui.domain.plan import Value
from consolidator_tui.domain.rule import Rule
from tests.tui.fake_data import MAIN, OLD, THIRD

COLUMNS = ("id", "email", "name", "phone", "updated_at", "score")


@dataclass
class FakeGroups:
    """Groups with their versions; every step can be undone."""

    details: list[ConflictDetail] = field(default_factory=list)
    steps: list[tuple[str, dict[int, ConflictDetail], dict[int, ConflictDetail]]] = field(
        default_factory=list
    )
    undone: list[tuple[str, dict[int, ConflictDetail], dict[int, ConflictDetail]]] = field(
        default_factory=list
    )
    rules: list[TableRules] = field(default_factory=list)
    taken: set[Value] = field(default_factory=set)

    @property
    def open(self) -> int:
        """How many are undecided."""
        return sum(_state(d) is Decided.OPEN for d in self.details)

    def kept(self) -> list[str]:
        """What was decided by hand, group by group."""
        return [d.group.keep for d in self.details]


def group(
    number: int,
    key: Value,
    versions: Sequence[tuple[str, Mapping[str, Value]]],
    differs: Sequence[str],
    **more: object,
) -> ConflictDetail:
    """One conflict of `users`."""
    found = tuple(
        Version(path, {"id": n + 1, "email": key, **values}, key=None if n else 1)
        for n, (path, values) in enumerate(versions)
    )
    values: dict[str, object] = {"kind": ConflictKind.VALUES, **more}
    line = ConflictGroup(
        number, "users", entity={"email": key}, sources=tuple(p for p, _ in versions),
        differs=tuple(differs), **values,  # type: ignore[arg-type]
    )  # fmt: skip
    return ConflictDetail(line, COLUMNS, found, (SharedKey(("email",)),), "id")


def groups(undecided: int) -> FakeGroups:
    """So many open conflicts, the first with three versions, and one that a rule decided."""
    if not undecided:
        return FakeGroups()
    ann = {"name": "Ann", "phone": None, "updated_at": "2024-03-01", "score": 1}
    made = [
        group(
            1,
            "ann@ex.com",
            [
                (MAIN, ann),
                (OLD, {**ann, "phone": "+44 20 7946 0958", "score": "1"}),
                (THIRD, {**ann, "name": "", "phone": b"\0\1\2", "updated_at": "2026-01-12"}),
            ],
            ("name", "phone", "updated_at", "score"),
        )
    ]
    bob = {"name": "Bob", "phone": "+1", "updated_at": "2024-01-01", "score": 3}
    for number in range(2, undecided + 1):
        versions = [(MAIN, bob), (OLD, {**bob, "name": "Robert"})]
        made.append(group(number, f"user{number}@ex.com", versions, ("name",)))
    ruled = group(
        undecided + 1, "zoe@ex.com", [(MAIN, bob), (OLD, {**bob, "phone": "+2"})], ("phone",),
        decided_by="newest", winner=OLD,
    )  # fmt: skip
    return FakeGroups([*made, ruled])


def _state(detail: ConflictDetail) -> Decided:
    if detail.group.number < 0:
        return Decided.DUPLICATES
    if detail.group.keep:
        return Decided.BY_HAND
    return Decided.BY_RULE if detail.group.decided_by else Decided.OPEN


RULES = ": rules "


def _turned(label: str, changed: Mapping[int, ConflictDetail]) -> tuple[Made, int]:
    if RULES in label:
        return Made(0, 0, label, rules=True), 0
    return Made(len(changed), 0, label), min(changed)


class FakeReviewing:
    """The part of the session that deals with conflicts."""

    conflicts: FakeGroups
    calls: list[str]

    def _found(self, query: ConflictQuery) -> list[ConflictDetail]:
        wanted = query.decided
        return [
            d
            for d in self.conflicts.details
            if (_state(d) is wanted or (wanted is Decided.ALL and d.group.number > 0))
            and query.text.lower() in str(list(d.group.entity.values())).lower()
        ]

    async def conflict_page(self, query: ConflictQuery) -> ConflictPage:
        """As the session."""
        found = self._found(query)
        states = [_state(d) for d in self.conflicts.details]
        return ConflictPage(
            tuple(d.group for d in found[query.offset : query.offset + query.limit]),
            len(found),
            *(states.count(s) for s in (Decided.OPEN, Decided.BY_RULE, Decided.BY_HAND)),
        )

    def _at(self, number: int) -> ConflictDetail:
        return next(d for d in self.conflicts.details if d.group.number == number)

    async def conflict_group(self, number: int) -> ConflictDetail:
        """As the session."""
        return self._at(number)

    async def conflict_place(self, query: ConflictQuery, number: int) -> int:
        """As the session."""
        return sum(abs(d.group.number) < abs(number) for d in self._found(query))

    async def next_open(
        self, query: ConflictQuery, number: int, *, forward: bool = True
    ) -> tuple[int, int] | None:
        """As the session."""
        numbers = [d.group.number for d in self.conflicts.details if _state(d) is Decided.OPEN]
        if not numbers:
            return None
        after = (
            [n for n in numbers if n > number] if forward else [n for n in numbers if n < number]
        )
        found = (after or numbers)[0 if forward else -1]
        return found, await self.conflict_place(query, found)

    async def conflict_follows(self, detail: ConflictDetail) -> tuple[Mapping[str, int], ...]:
        """As the session."""
        return ({"orders": 2, "logins": 1}, *({} for _ in detail.versions[1:]))

    async def conflicts_alike(self, number: int) -> Counted:
        """As the session."""
        states = [_state(d) for d in self._alike(number) if d.group.number != number]
        return Counted(*(states.count(s) for s in (Decided.OPEN, Decided.BY_RULE, Decided.BY_HAND)))

    def _alike(self, number: int) -> list[ConflictDetail]:
        one = self._at(number).group
        return [
            d
            for d in self.conflicts.details
            if (d.group.sources, d.group.differs) == (one.sources, one.differs)
        ]

    async def value_taken(self, table: str, columns: object, values: Sequence[Value]) -> bool:
        """As the session."""
        return values[0] in self.conflicts.taken

    async def decide_groups(self, chosen: Chosen, choice: Choice, label: str = "") -> Made:
        """As the session."""
        if isinstance(chosen, int):
            wanted = [self._at(chosen)]
        elif isinstance(chosen, Alike):
            states = {Decided.OPEN, *([Decided.BY_RULE] if chosen.by_rule else [])}
            wanted = [d for d in self._alike(chosen.number) if _state(d) in states]
        else:
            wanted = self._found(chosen.query)[chosen.first : chosen.last + 1]
        fits = [
            d
            for d in wanted
            if choice.keep in (*d.group.sources, "", "both")
            and (isinstance(chosen, int) or choice.keep != "both")
        ]
        before = {d.group.number: d for d in fits}
        after = {
            number: replace(
                d,
                group=replace(
                    d.group, keep=choice.keep, edited=bool(choice.values or choice.fields)
                ),
                values=choice.values,
                fields=choice.fields,
            )
            for number, d in before.items()
        }
        self._put(after)
        self.conflicts.steps.append((label, before, after))
        self.conflicts.undone.clear()
        return Made(len(fits), len(wanted) - len(fits), label)

    def _put(self, made: Mapping[int, ConflictDetail]) -> None:
        self.conflicts.details = [made.get(d.group.number, d) for d in self.conflicts.details]

    async def undo_decision(self) -> tuple[Made, int] | None:
        """As the session."""
        if not self.conflicts.steps:
            return None
        label, before, after = self.conflicts.steps.pop()
        self._put(before)
        self.conflicts.undone.append((label, before, after))
        return _turned(label, before)

    async def redo_decision(self) -> tuple[Made, int] | None:
        """As the session."""
        if not self.conflicts.undone:
            return None
        label, before, after = self.conflicts.undone.pop()
        self._put(after)
        self.conflicts.steps.append((label, before, after))
        return _turned(label, after)

    async def table_rules(self, table: str) -> tuple[TableRules, tuple[str, ...], tuple[str, ...]]:
        """As the session."""
        return TableRules((Rule.NEWEST,), "updated_at", False), COLUMNS[1:], ("updated_at",)

    async def preview_rules(self, table: str, rules: TableRules) -> RulePreview:
        """As the session."""
        decides = len(self.conflicts.details) if Rule.BASE in rules.rules else 1
        by_hand = sum(bool(kept) for kept in self.conflicts.kept())
        return RulePreview(decides, self.conflicts.open, {"newest": 1}, by_hand)

    async def set_rules(self, table: str, rules: TableRules) -> None:
        """As the session."""
        self.calls.append("set_rules")
        self.conflicts.rules.append(rules)
        decided = Rule.BASE in rules.rules
        before = {
            d.group.number: d
            for d in self.conflicts.details
            if decided and _state(d) is Decided.OPEN
        }
        after = {
            number: replace(d, group=replace(d.group, decided_by="base", winner=MAIN))
            for number, d in before.items()
        }
        self._put(after)
        label = f"{RULES}{', '.join(rules.rules)}"
        self.conflicts.steps.append((f"{table}{label}", before, after))
        self.conflicts.undone.clear()
