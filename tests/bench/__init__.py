"""Measurements: not part of the default test run."""
