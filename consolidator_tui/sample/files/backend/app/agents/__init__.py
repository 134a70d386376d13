"""Background workers. They use sqlite3 directly, as they run outside the web application."""
