"""The plan document, plan.toml: read, checked, changed, explained and written."""
