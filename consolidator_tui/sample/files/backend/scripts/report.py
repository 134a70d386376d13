"""Credits bought and spent per month: python scripts/report.py [--db FILE]"""

import argparse
import sqlite3
from contextlib import closing

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--db", default="app.db")
options = parser.parse_args()

with closing(sqlite3.connect(options.db)) as connection:
    rows = connection.execute(
        "SELECT substr(created_at, 1, 7), kind, count(*), sum(amount_cents) / 100.0"
        " FROM transactions GROUP BY 1, 2 ORDER BY 1, 2"
    )
    for month, kind, count, amount in rows:
        print(f"{month}  {kind:<10} {count:>4} {amount:>10.2f}")
