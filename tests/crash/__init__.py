"""Stopping the real command at every call that changes a file. `python -m tests.crash --help`."""
