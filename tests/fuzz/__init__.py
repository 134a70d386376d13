"""Random damage to source files: `python -m tests.fuzz --help`."""
