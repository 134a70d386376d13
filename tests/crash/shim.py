"""The shim `shim.c` from Python: building it, arming it, reading what it wrote down."""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_SOURCE = Path(__file__).with_name("shim.c")
_LAYOUT = struct.Struct("=iiqqii2048s2048s")
_JOURNAL, _NO_SYNC, _READS = 1, 2, 4


class Mode(StrEnum):
    """What happens at the chosen call."""

    COUNT = "count"
    """Nothing; the calls are only counted."""
    KILL = "kill"
    """The process gets SIGKILL before the call."""
    POWER = "power"
    """The same, and content and names that were not synced are taken back."""
    FULL = "full"
    """The disk is full from this call on."""
    DEAD = "dead"
    """Every call from this one on gives EIO; for every second one, reading does too."""


_NUMBERS = {Mode.COUNT: 0, Mode.KILL: 1, Mode.POWER: 1, Mode.FULL: 2, Mode.DEAD: 3}


@dataclass(frozen=True, slots=True)
class Call:
    """One counted call."""

    number: int
    name: str
    path: str
    """Relative to the project."""

    def __str__(self) -> str:
        return f"{self.number} {self.name} {self.path}"


def compiler() -> str | None:
    """The C compiler, or None."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build(folder: Path) -> Path:
    """Compile the shim into a folder. Raises RuntimeError with what the compiler said."""
    library = folder / "shim.so"
    command = [str(compiler()), "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    command += ["-fvisibility=hidden", "-o", str(library), str(_SOURCE), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the shim could not be built:\n{done.stderr}")
    return library


class Control:
    """The memory that a command shares with this process: what to do, and how far it came."""

    def __init__(self, folder: Path, root: Path, mode: Mode, stop_at: int = 0) -> None:
        """`folder` takes the log and the journal; `root` is the project, without symlinks."""
        self.folder = folder
        self.path = folder / "control"
        flags = _NO_SYNC
        if mode is Mode.POWER:
            flags |= _JOURNAL
        if mode is Mode.DEAD and stop_at % 2 == 0:
            flags |= _READS
        packed = _LAYOUT.pack(
            _NUMBERS[mode], flags, stop_at, 0, 0, 0, os.fsencode(root), os.fsencode(folder)
        )
        self.path.write_bytes(packed)

    @property
    def count(self) -> int:
        """Calls so far."""
        return int(_LAYOUT.unpack(self.path.read_bytes())[3])

    @property
    def struck(self) -> bool:
        """Whether the chosen call was reached."""
        return bool(_LAYOUT.unpack(self.path.read_bytes())[4])

    def calls(self) -> list[Call]:
        """Every counted call in order."""
        log = self.folder / "log"
        if not log.exists():
            return []
        calls = []
        for line in log.read_bytes().decode("utf-8", "backslashreplace").split("\n"):
            parts = line.split("\t", 2)
            if len(parts) == 3 and parts[0].isdigit():
                calls.append(Call(int(parts[0]), parts[1], parts[2]))
        return calls


def arm(control: Path, library: Path) -> None:
    """Arm the preloaded shim in this process and those that it starts."""
    with control.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        # A stop ends the whole group: a power cut spares no helper process.
        struct.pack_into("=i", memory, struct.calcsize("=iiqqi"), os.getpgrp())
    os.environ["CRASH_CONTROL"] = str(control)
    if ctypes.CDLL(str(library)).crash_arm(os.fsencode(control)):
        raise OSError(f"the shim could not be armed with {control}")
