"""Our real `run` beside what people do by hand: one command, one table.

    python -m tests.bench.compare [--sizes small,medium,large] [--rounds 3] [--folder DIR]

Measured in turn, every round in another order, each as a process of its own, fsync included:

- ours: `consolidator-tui run … --yes --json`, the start of the interpreter, event log, ledger,
  backup, verification and all
- ignore: the sqlite3 shell, ATTACH and `INSERT OR IGNORE` of all tables in one transaction, which
  drops more than half of the logical rows
- shifted: the same with every id and reference moved by a constant and no look for duplicates
- copy: the sources copied and synced

The result of ours is checked against the generator's truth in the first round.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import generate

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {
    "merge / ignore": {"small": None, "medium": 3.5, "large": 2.7},
    "merge / shifted": {"small": None, "medium": 1.4, "large": None},
    "verify / merge": {"small": None, "medium": 0.4, "large": 0.4},
    "backup / copy": {"small": None, "medium": 2.2, "large": None},
    "run / (copy + ignore)": {"small": None, "medium": 4.5, "large": None},
    "peak memory, MB": {"small": None, "medium": None, "large": 160.0},
}
"""The target column of the table of measured limits; None where it names no number."""


@dataclass
class Measured:
    """Seconds and peak memory (MB) of each round of one competitor; phases of ours."""

    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    phases: list[dict[str, float]] = field(default_factory=list)

    def middle(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)


def spawn(arguments: list[str], script: str | None = None) -> tuple[float, float, str]:
    """Run a process to its end; returns seconds, its peak memory in MB, and its stdout.

    The peak is that of the process itself (`wait4`). Raises RuntimeError when it fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as source:
        source.write((script or "").encode())
        source.seek(0)
        started = time.perf_counter()
        process = subprocess.Popen(
            arguments, stdin=source, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if process.returncode:
        raise RuntimeError(f"{arguments[:4]} ended with {process.returncode}: {text[-800:]}")
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return seconds, usage.ru_maxrss / scale, text


def shell(target: Path, script: str) -> tuple[float, float]:
    """Run SQL in the sqlite3 shell, or in a bare Python where there is no shell."""
    if program := shutil.which("sqlite3"):
        return spawn([program, "-bail", str(target)], script)[:2]
    code = (
        "import sqlite3,sys; c=sqlite3.connect(sys.argv[1],isolation_level=None);"
        "c.executescript(sys.stdin.read())"
    )
    return spawn([sys.executable, "-c", code, str(target)], script)[:2]


def _attached(sources: list[Path]) -> str:
    return "".join(f"ATTACH '{path}' AS s{n};" for n, path in enumerate(sources))


def run_ignore(sources: list[Path], work: Path) -> tuple[float, float]:
    """What people type today."""
    copies = "".join(
        f"INSERT OR IGNORE INTO {table} SELECT * FROM s{n}.{table};"
        for n in range(len(sources))
        for table in generate.TABLES
    )
    script = f"{generate.SCHEMA}{generate.INDEXES}{_attached(sources)}BEGIN;{copies}COMMIT;"
    return shell(work / "ignore.db", script)


def run_shifted(sources: list[Path], work: Path) -> tuple[float, float]:
    """All rows under shifted ids; the two UNIQUE keys go, since duplicates would break them."""
    shift: dict[str, int] = dict.fromkeys(generate.TABLES, 0)
    moves = {
        "users": "id + {users}, email, name, city, updated_at",
        "categories": "id + {categories}, parent_id + {categories}, name",
        "tags": "id + {tags}, name",
        "orders": "id + {orders}, user_id + {users}, ref, placed_at, total",
        "items": "id + {items}, order_id + {orders}, category_id + {categories}, sku, quantity,"
        " price",
        "order_tags": "order_id + {orders}, tag_id + {tags}",
        "events": "id + {events}, user_id + {users}, kind, payload, at",
        "attachments": "id + {attachments}, user_id + {users}, name, data",
    }
    copies = []
    for n, path in enumerate(sources):
        for table in generate.TABLES:
            cells = moves[table].format(**shift)
            copies.append(f"INSERT INTO {table} SELECT {cells} FROM s{n}.{table};")
        with contextlib.closing(sqlite3.connect(path)) as con:
            for table in set(generate.TABLES) - {"order_tags"}:
                shift[table] += con.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0
    schema = generate.SCHEMA.replace(" UNIQUE", "") + generate.INDEXES
    script = f"{schema}{_attached(sources)}BEGIN;{''.join(copies)}COMMIT;"
    return shell(work / "shifted.db", script)


def run_copy(sources: list[Path], work: Path) -> tuple[float, float]:
    """cp, then fsync of every copy."""
    code = (
        "import os,shutil,sys\nfor n, path in enumerate(sys.argv[2:]):\n"
        "    to = os.path.join(sys.argv[1], f'copy{n}.db')\n    shutil.copyfile(path, to)\n"
        "    fd = os.open(to, os.O_RDONLY)\n    os.fsync(fd)\n    os.close(fd)\n"
    )
    return spawn([sys.executable, "-S", "-c", code, str(work), *map(str, sources)])[:2]


def run_ours(
    sources: list[Path], work: Path, rows: int, check: bool
) -> tuple[float, float, dict[str, float]]:
    """The real command on a project that holds the sources. Raises RuntimeError when wrong."""
    project = work / "project"
    project.mkdir()
    for path in sources:
        os.link(path, project / path.name)
    arguments = [sys.executable, "-m", "consolidator_tui", "run", str(project)]
    arguments += ["--target", "app.db", "--yes", "--json"]
    for path in sources:
        arguments += ["--source", path.name]
    seconds, memory, text = spawn(arguments)
    last = json.loads(text.strip().splitlines()[-1])
    if check and (wrong := generate.check(project / "app.db", rows)):
        raise RuntimeError(f"our merge is wrong: {wrong}")
    return seconds, memory, last["timings"]


def measure(rows: int, folder: Path, rounds: int, check: bool) -> dict[str, Measured]:
    """All competitors, alternating, `rounds` times."""
    sources = generate.write(folder / f"sources{rows}", rows)
    found = {name: Measured() for name in ("ours", "ignore", "shifted", "copy")}
    for number in range(rounds):
        for name in _turn(list(found), number):
            with tempfile.TemporaryDirectory(dir=folder, prefix=f"{name}-") as work:
                if name == "ours":
                    seconds, memory, phases = run_ours(
                        sources, Path(work), rows, check and number == 0
                    )
                    found[name].phases.append(phases)
                else:
                    competitor: Callable[[list[Path], Path], tuple[float, float]] = {
                        "ignore": run_ignore, "shifted": run_shifted, "copy": run_copy
                    }[name]  # fmt: skip
                    seconds, memory = competitor(sources, Path(work))
            found[name].seconds.append(seconds)
            found[name].memory.append(memory)
            print(f"  {rows:>10,} rows  {name:<8} {seconds:8.2f} s {memory:7.0f} MB", flush=True)
    return found


def _turn(names: list[str], number: int) -> list[str]:
    at = number % len(names)
    return names[at:] + names[:at]


def figures(found: dict[str, Measured]) -> dict[str, float]:
    """The rows of the table, from medians of ratios within a round.

    "merge" is the whole process without backup and verification: the start of the interpreter,
    discovery, inspection, plan, writing and promotion are in it. "verify" is the work of proving
    the meaning, the seconds of its connections added up. "backup" is copying, hashing, syncing
    and reading back; what is waited for the snapshots' integrity_check, which goes on beside the
    merge, is in "run" only, as is the target's.
    """
    ours, ignore = found["ours"], found["ignore"]
    each: dict[str, list[float]] = {}
    for n, phases in enumerate(ours.phases):
        backup, verify = phases["backup"], phases["verify"]
        merge = ours.seconds[n] - backup - verify - phases.get("waited", 0.0)
        copied = phases.get("copy", backup)
        values = {
            "merge / ignore": merge / ignore.seconds[n],
            "merge / shifted": merge / found["shifted"].seconds[n],
            "verify / merge": phases.get("meaning", verify) / merge,
            "backup / copy": copied / found["copy"].seconds[n],
            "run / (copy + ignore)": ours.seconds[n]
            / (found["copy"].seconds[n] + ignore.seconds[n]),
        }
        for name, value in values.items():
            each.setdefault(name, []).append(value)
    table = {name: statistics.median(values) for name, values in each.items()}
    return table | {"peak memory, MB": max(ours.memory)}


def table(results: dict[str, dict[str, Measured]]) -> str:
    """The table in Markdown, with the targets."""
    sizes = list(results)
    lines = ["| | " + " | ".join(f"{s} ({generate.SIZES[s]:,})" for s in sizes) + " | target |"]
    lines.append("|---" * (len(sizes) + 2) + "|")
    for name in ("ours", "ignore", "shifted", "copy"):
        cells = [f"{results[s][name].middle():.2f} s" for s in sizes]
        lines.append(f"| {name} | " + " | ".join(cells) + " | |")
    rows = {s: figures(results[s]) for s in sizes}
    for name, wanted in TARGETS.items():
        digits = 0 if "MB" in name else 2
        cells = [f"{rows[s][name]:.{digits}f}" for s in sizes]
        goal = ", ".join(f"{wanted[s]:g} ({s})" for s in generate.SIZES if wanted[s] is not None)
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {goal} |")
    if {"medium", "large"} <= set(sizes):
        growth = results["large"]["ours"].middle() / results["medium"]["ours"].middle()
        factor = generate.SIZES["large"] / generate.SIZES["medium"]
        lines.append(f"| growth medium → large | | | {growth:.1f} x | {factor:.0f} x is linear |")
    for size in sizes:
        phases = results[size]["ours"].phases[-1]
        lines.append("")
        lines.append(f"{size}: " + ", ".join(f"{k} {v:.2f} s" for k, v in phases.items()))
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.compare")
    parser.add_argument("--sizes", default="small,medium,large")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "consolidator-bench"
    )
    parser.add_argument(
        "--no-check", action="store_true", help="do not check ours against the truth"
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    results = {
        size: measure(generate.SIZES[size], options.folder, options.rounds, not options.no_check)
        for size in options.sizes.split(",")
    }
    print(
        f"\nPython {platform.python_version()}, SQLite {sqlite3.sqlite_version},"
        f" {os.cpu_count()} cores, {options.rounds} rounds\n"
    )
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
