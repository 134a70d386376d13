"""Colours: two quiet themes of our own, and inks for text that takes no CSS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.theme import Theme

DARK = Theme(
    name="consolidator-dark",
    primary="#7fb4d8",
    secondary="#7fb4d8",
    accent="#7fb4d8",
    success="#93c28a",
    warning="#dcb26a",
    error="#e5807a",
    foreground="#d4dae3",
    background="#13171d",
    surface="#191e26",
    panel="#222933",
    boost="#1d232c",
    dark=True,
    variables={
        "border": "#39424f",
        "border-blurred": "#2a323d",
        "block-cursor-background": "#2b4257",
        "block-cursor-foreground": "#f0f4f9",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#232b36",
        "block-cursor-blurred-foreground": "#d4dae3",
        "block-hover-background": "#1f2630",
        "footer-background": "#191e26",
        "footer-key-foreground": "#7fb4d8",
        "footer-description-foreground": "#98a2b0",
        "scrollbar": "#39424f",
        "scrollbar-background": "#13171d",
        "scrollbar-corner-color": "#13171d",
        "scrollbar-hover": "#4a5564",
        "scrollbar-active": "#7fb4d8",
    },
)

LIGHT = Theme(
    name="consolidator-light",
    primary="#1f6797",
    secondary="#1f6797",
    accent="#1f6797",
    success="#2f7a36",
    warning="#8a5c00",
    error="#b3322b",
    foreground="#23292f",
    background="#fafbfc",
    surface="#f1f3f6",
    panel="#e5e9ee",
    boost="#edf0f3",
    dark=False,
    variables={
        "border": "#c2c9d2",
        "border-blurred": "#d8dde4",
        "block-cursor-background": "#cfe3f2",
        "block-cursor-foreground": "#12181e",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e5e9ee",
        "block-cursor-blurred-foreground": "#23292f",
        "block-hover-background": "#edf0f3",
        "footer-background": "#f1f3f6",
        "footer-key-foreground": "#1f6797",
        "footer-description-foreground": "#59636e",
        "scrollbar": "#c2c9d2",
        "scrollbar-background": "#fafbfc",
        "scrollbar-corner-color": "#fafbfc",
        "scrollbar-hover": "#a9b2bd",
        "scrollbar-active": "#1f6797",
    },
)


@dataclass(frozen=True, slots=True)
class Inks:
    """Styles by meaning; each use also says its meaning in a word or a sign."""

    accent: Style
    good: Style
    warn: Style
    bad: Style
    muted: Style
    strong: Style


def inks(app: App[Any]) -> Inks:
    """The styles of the app's current theme."""
    variables = app.theme_variables

    def ink(name: str, bold: bool = False) -> Style:
        return Style(color=Color.parse(variables[name]).rich_color, bold=bold)

    muted = {DARK.name: "#8d97a5", LIGHT.name: "#5f6a75"}.get(app.theme)
    return Inks(
        accent=ink("primary"),
        good=ink("success"),
        warn=ink("warning"),
        bad=ink("error", bold=True),
        muted=Style.parse(muted) if muted else Style(dim=True),
        strong=Style(bold=True),
    )
