"""Names under which a run's database keeps what is known of the run."""

from __future__ import annotations

PLAN = "plan"
"""Name of the plan document in the run's database."""
CHOSEN = "chosen"
"""Name of the selection in the run's database."""
UNCHANGED = "unchanged"
"""Name of the mark that the target was found as it has to be, and not replaced."""
CONFLICTS = "conflicts"
"""Name of the number of conflicts that the last merge left to be decided by hand, or had so."""
LEFT = "left"
"""Name of the mark that this run is not offered again, with the reason as its text."""
DRY = "dry run"
"""The reason: it was only to see what would happen."""
ASIDE = "aside"
"""The reason: a person began anew beside it."""
