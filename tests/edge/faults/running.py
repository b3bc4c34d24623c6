"""A started `faceage-camera`: its results as they come, its processes, and its end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import faceage_edge

__all__ = ["Running", "command", "environment"]

# What the script that pip installs runs; the script itself where it is of this version.
_SCRIPT = Path(sys.executable).with_name("faceage-camera")


def command() -> list[str]:
    """The installed `faceage-camera`, or what it will run once this version is installed."""
    if _SCRIPT.is_file() and "camera_entry" in _SCRIPT.read_text(encoding="utf-8"):
        return [str(_SCRIPT)]
    return [sys.executable, "-P", "-m", "faceage_edge.camera_entry"]


def environment(**more: object) -> dict[str, str]:
    """This process's environment, the code under test, and more."""
    paths = [str(Path(faceage_edge.__file__).parents[1]), str(more.pop("PYTHONPATH", ""))]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        **{k: str(v) for k, v in more.items()},
    }


class Running:
    """One run; a context manager that leaves no process behind."""

    def __init__(
        self,
        *arguments: object,
        env: dict[str, str] | None = None,
        prefix: Sequence[str] = (),
        **options: Any,
    ) -> None:
        """Start it; `prefix` is a command that becomes it, such as `unshare --mount`."""
        self.process = subprocess.Popen(
            [*prefix, *command(), *map(str, arguments)],
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            env=env or environment(),
            **options,
        )
        self.results: list[tuple[float, dict[str, Any]]] = []
        self._err: list[bytes] = []
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target, stream in (
                (self._read, self.process.stdout),
                (self._hear, self.process.stderr),
            )
            if stream is not None
        ]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.results.append((time.monotonic(), json.loads(line)))

    def _hear(self) -> None:
        assert self.process.stderr is not None
        self._err.extend(self.process.stderr)

    @property
    def err(self) -> str:
        """What it said on stderr so far."""
        return b"".join(self._err).decode()

    def workers(self) -> list[int]:
        """Processes whose parent it is."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()] if path.exists() else []

    def until(self, true: Callable[[], Any], seconds: float = 30.0) -> float:
        """Wait until something is so; the seconds that took."""
        begun = time.monotonic()
        while not true():
            if time.monotonic() - begun >= seconds:
                # This process itself may have stood still: what came meanwhile is still unread.
                time.sleep(1)
                assert true(), self.err
            time.sleep(0.01)
        return time.monotonic() - begun

    def some(self, count: int = 3) -> dict[str, Any]:
        """Wait for so many more results; the last of them."""
        had = len(self.results)
        self.until(lambda: len(self.results) >= had + count)
        return self.results[-1][1]

    def gap(self) -> float:
        """The longest time between two results so far, in seconds of a core of its own.

        A machine with more to do than cores gives each process a share of them only.
        """
        times = [at for at, _ in self.results]
        share = min((os.cpu_count() or 1) / max(os.getloadavg()[0], 1), 1)
        return share * max(later - at for at, later in pairwise(times))

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20.0) -> int:
        """Ask it to stop; its exit code, once no process of it is left."""
        before = self.workers()
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        for thread in self._threads:
            thread.join(5)
        assert [pid for pid in before if Path(f"/proc/{pid}").exists()] == []
        return code

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
