"""Time from the command's start to its first whole frame, as a person at a terminal waits for it.

    python -m tests.bench.first_paint [RUNS]

Each run starts `python -m consolidator_tui` on the sample project in a pseudo-terminal of 80x24
and reads what it writes until the strip of steps and the last of the keys at the bottom are there.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

from consolidator_tui.sample.writer import write_sample

LIMIT = 0.5
PATIENCE = 20.0
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")
FRAME = (b"Clean up", b"quit")


def first_paint(command: list[str]) -> tuple[float, float]:
    """Seconds until the first frame, by the clock and of CPU. Raises TimeoutError."""
    began = time.perf_counter()
    process, terminal = pty.fork()
    if not process:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.execve(command[0], command, {**os.environ, "TERM": "xterm-256color"})
    seen, taken = b"", 0.0
    while not taken and time.perf_counter() - began < PATIENCE:
        if select.select([terminal], [], [], 0.5)[0]:
            seen += os.read(terminal, 65_536)
        if all(part in ESCAPES.sub(b"", seen) for part in FRAME):
            taken = time.perf_counter() - began
    os.kill(process, signal.SIGKILL)
    _, _, used = os.wait4(process, 0)
    os.close(terminal)
    if not taken:
        raise TimeoutError(f"no frame within {PATIENCE:.0f} s")
    return taken, used.ru_utime + used.ru_stime


def main() -> int:
    """Print the least, the median and the largest time; 1 when the median is over the limit."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "sample"
        write_sample(project)
        command = [sys.executable, "-m", "consolidator_tui", str(project)]
        times, cpu = zip(*(first_paint(command) for _ in range(runs)), strict=True)
    median = statistics.median(times)
    print(
        f"first frame: {min(times):.3f} s at least, {median:.3f} s median, {max(times):.3f} s at "
        f"most (limit {LIMIT} s, load {os.getloadavg()[0]:.1f}); CPU {min(cpu):.3f} s at least"
    )
    return int(median > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
