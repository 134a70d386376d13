"""The command palette: every action of the screen and of the app, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from consolidator_tui.tui.screens.step_screen import StepScreen
from consolidator_tui.tui.text import safe

NO_COMMANDS = frozenset(
    {"command_palette", "app.focus_next", "app.focus_previous", "screen.copy_text", "help_quit"}
)
"""Actions of the keyboard only."""


class ActionProvider(Provider):
    """Offers each binding that is active on the screen behind the palette."""

    def _actions(self) -> list[tuple[str, str, str]]:
        """Description, key and action of each; one entry per action."""
        found: dict[str, tuple[str, str, str]] = {}
        for node, binding, enabled, _tooltip in self.screen.active_bindings.values():
            if not enabled or not binding.description or binding.action in found:
                continue
            if binding.action in NO_COMMANDS or node is self.screen.focused:
                continue
            name = binding.tooltip or binding.description
            if binding.action == "primary" and isinstance(self.screen, StepScreen):
                name = self.screen.primary_label
            found[binding.action] = (name, self.app.get_key_display(binding), binding.action)
        return list(found.values())

    def _run(self, action: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.screen.run_action(action)

        return run

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for name, key, action in self._actions():
            yield DiscoveryHit(Text(safe(name)), self._run(action), text=name, help=f"key: {key}")

    async def search(self, query: str) -> Hits:
        """Those that match what was typed."""
        matcher = self.matcher(query)
        for name, key, action in self._actions():
            score = matcher.match(name)
            if score > 0:
                yield Hit(
                    score, matcher.highlight(name), self._run(action), text=name, help=f"key: {key}"
                )
