"""Dialogs: only for what cannot be undone, and for short answers."""
