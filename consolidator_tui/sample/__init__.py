"""The sample project that `consolidator-tui demo` writes."""
