"""Merge the scattered SQLite files of one project into one, and prove that nothing was lost."""

__version__ = "0.1.0"
