"""Files and databases: opening SQLite, quoting, atomic files, the run's folder."""
