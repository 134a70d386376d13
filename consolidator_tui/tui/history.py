"""The choice of a common ancestor, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from consolidator_tui.domain.plan import Deletions, PlanDocument
from consolidator_tui.domain.words import plural, verb
from consolidator_tui.tui.modals.pick import Item, PickOne
from consolidator_tui.tui.text import safe

if TYPE_CHECKING:
    from consolidator_tui.domain.lineage import Offer
    from consolidator_tui.tui.app import ConsolidatorApp

_NONE = "none"


def told(document: PlanDocument, offer: Offer | None) -> str:
    """What is known about the past of the files."""
    if offer is None:
        return f"The plan says that files come from {safe(str(document.ancestor))}."
    sources = " and ".join(safe(path) for path in offer.sources)
    return (
        f"{sources} come from {safe(offer.name)}: of {plural(offer.compared, 'row')} looked at, "
        f"{offer.equal:,} {verb(offer.equal, 'is', 'are')} unchanged."
    )


def choices(document: PlanDocument) -> tuple[tuple[Item, ...], str]:
    """What can be done with it, and what holds now."""
    items = (
        Item(Deletions.KEEP, "Use it", "one-sided changes settle"),
        Item(Deletions.HONOUR, "Use it, with deletions", "and deleted rows go"),
        Item(_NONE, "Leave it", "all differences conflict"),
    )
    return items, _NONE if document.ancestor is None else str(document.deletions)


def chosen(document: PlanDocument, offer: Offer | None, key: str) -> PlanDocument:
    """The document with the choice."""
    if key == _NONE:
        return replace(document, ancestor=None, descendants=(), deletions=Deletions.KEEP)
    name = document.ancestor or (offer.name if offer else None)
    return replace(document, ancestor=name, deletions=Deletions(key))


def ask(app: ConsolidatorApp, then: Callable[[], None]) -> None:
    """Let a person choose on a dialog; `then` is called when the plan has the choice."""
    wizard = app.wizard
    document, offer = wizard.document, wizard.offer

    def picked(key: str | None) -> None:
        if key is not None:
            wizard.edit(chosen(document, offer, key), then)

    items, current = choices(document)
    app.push_screen(
        PickOne("Where the files come from", told(document, offer), items, current), picked
    )
