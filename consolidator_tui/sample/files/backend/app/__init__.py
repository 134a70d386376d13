"""Inkwell: a prompt library."""
