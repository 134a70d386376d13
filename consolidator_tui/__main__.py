"""`python -m consolidator_tui`: the same as the command."""

from __future__ import annotations

from consolidator_tui.cli.main import main

if __name__ == "__main__":
    main()
