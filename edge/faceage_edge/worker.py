"""Start a process that cannot outlive us, and end it for good."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterable

from faceage_edge.heartbeat_page import Page

__all__ = ["Worker", "start_worker"]

_PR_SET_PDEATHSIG = 1
# A process that was killed and does not go waits in the kernel for a device.
_REAP_S = 5.0


class Worker:
    """A running worker."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._started = time.monotonic()
        self.pid = process.pid

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started

    def poll(self) -> int | None:
        """Its exit code, negative for the signal that killed it; None while it runs."""
        return self._process.poll()

    def send(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it with all that it started, and wait for its end so that no zombie is left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_REAP_S)


def start_worker(
    command: list[str], page: Page | None, mask: Iterable[int], *, quiet: bool = False
) -> Worker:
    """Start a worker.

    Args:
        command: program and arguments.
        page: that it inherits, if any.
        mask: the signals that are blocked in it.
        quiet: it reads nothing and says nothing.

    Returns:
        The worker, in a session of its own: what a terminal sends reaches us alone. It is killed
        when this process ends in whatever way.
    """
    # Loaded here: between fork and exec nothing may be allocated that another part holds locked.
    prctl = ctypes.CDLL(None).prctl
    parent, blocked = os.getpid(), set(mask)

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    silence = subprocess.DEVNULL if quiet else None
    descriptor = None if page is None else page.descriptor
    process = subprocess.Popen(
        command,
        stdin=silence, stdout=silence, stderr=silence,
        env=None if page is None else page.environment(),
        pass_fds=() if descriptor is None else (descriptor,),
        start_new_session=True,
        preexec_fn=prepare,
    )  # fmt: skip
    return Worker(process)
