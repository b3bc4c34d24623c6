"""The small process that `faceage-camera` is: it owns a worker that does everything else.

Native code dies without an exception: libedgetpu aborts the process when a Coral is unplugged, a
driver's read never returns. No except clause sees that, so the work is done in a process that can
be killed, and this one watches it, kills it where it is silent, and begins it anew. It imports
neither numpy nor OpenCV nor LiteRT.
"""

import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from faceage_edge.abandoned import end_abandoned
from faceage_edge.errors import OutputError
from faceage_edge.health import Health, read_health
from faceage_edge.heartbeat_page import Failure, Field, Page, Stage
from faceage_edge.notify import Notifier
from faceage_edge.restarts import Decision, End, Restarts
from faceage_edge.visits import Reason
from faceage_edge.worker import Worker, start_worker

__all__ = ["Supervisor", "SupervisorSettings", "run_supervised"]

_WATCHED = (
    signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTSTP, signal.SIGCONT,
)  # fmt: skip
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# How often the page is looked at; a death is known at once, by SIGCHLD.
_LOOK_S = 0.25
# A worker's own patience with a camera ends first, and its message says more than ours.
_LONGER_S = 1.5
# What --start-within is by default, and what the limits of the other stages are made for.
_USUAL_START_S = 45.0
_LEAST_START_S = 6.0
# A Coral takes its firmware over USB when it is first opened, two to three seconds.
_ACCELERATOR_S = 8.0
_OPENING_S = 8.0
# For the last frame and the files.
_ENDING_S = 10.0
_HEALTH_S = 5.0
_PROBE_LIMIT_S = 30.0
_STDOUT = 1
_NS = 1e9


@dataclass(frozen=True)
class SupervisorSettings:
    """What the command line says of supervision.

    `patience_s`: how long a worker may be silent. `accelerated`: it uses a delegate until that
    fails. `probe_s`: seconds after which a failed accelerator is tried again; each failed try
    doubles them. `start_s`: how long a worker may take to load libraries and models; what it is
    longer than usual, opening and ending may take longer too. `health_s`: seconds between two lines
    on health; None for none. `events`: the file of `--events`, in which nobody stays whom a dead
    worker had in view.
    """

    patience_s: float
    accelerated: bool
    probe_s: float
    start_s: float = _USUAL_START_S
    health_s: float | None = None
    events: Path | None = None


class Supervisor:
    """Keeps a worker alive until it ends of itself or is asked to.

    `command` starts a worker, `probe` a process that tries the accelerator and ends with code 0
    where it works; `say` takes a line for people.
    """

    def __init__(
        self,
        command: list[str],
        probe: list[str],
        settings: SupervisorSettings,
        say: Callable[[str], None],
    ) -> None:
        self._command, self._probe_command = command, probe
        self._settings, self._say = settings, say
        self._page = Page.shared()
        self._restarts = Restarts(accelerated=settings.accelerated)
        self._notifier = Notifier()
        self._stop_ns = 0
        self._slowness = max(settings.start_s / _USUAL_START_S, 1.0)
        self._start_s: float | None = None
        self._started = self._slow_starts = 0
        # When a reader of the results last was the one who was waited for.
        self._full_ns = 0
        self._probe: Worker | None = None
        self._probe_wait_s = settings.probe_s
        self._probe_due = self._health_due = self._report_due = 0.0
        self._watched_beats = 0
        self._exchange = False
        self._complaints: list[str] = []

    def run(self) -> int:
        """Supervise to the end.

        Returns:
            The worker's exit code, or 1 where it cannot be kept alive.
        """
        before = set(signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED))
        try:
            return self._supervise(before)
        finally:
            self._end_probe()
            self._notifier.send(STOPPING=1)
            self._notifier.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _supervise(self, mask: Iterable[int]) -> int:
        while True:
            self._page.enter(Stage.STARTING)
            self._page[Field.FAILURE] = Failure.NONE
            worker = start_worker(self._command, self._page, mask)
            end = self._watch(worker, self._page[Field.BEATS])
            self._end_visits()
            if self._stop_ns:
                return self._stopped(end)
            decision = self._restarts.decide(end)
            if decision.code is not None:
                if decision.why:
                    self._say(f"error: {decision.why}")
                return decision.code
            self._begin_again(decision)
            if self._pause(decision.delay_s):
                return 0

    def _end_visits(self) -> None:
        """Let everyone leave whom the worker had in view, if it did not itself."""
        if self._settings.events is None:
            return
        try:
            end_abandoned(self._settings.events, self._page.kept(), Reason.CRASHED)
        except OutputError as error:
            self._say(str(error))
        self._page.keep(b"")

    def _begin_again(self, decision: Decision) -> None:
        self._page[Field.RESTARTS] += 1
        if decision.degraded and not self._page[Field.DEGRADED]:
            self._probe_wait_s = self._settings.probe_s
            self._probe_due = time.monotonic() + self._probe_wait_s
            self._say("the accelerator failed; going on without it, on the CPU")
        self._page[Field.DEGRADED] = int(decision.degraded)
        restarts = self._page[Field.RESTARTS]
        self._say(f"{decision.why}; beginning again (restart {restarts})")
        self._notifier.send(STATUS=f"restart {restarts}: {decision.why}")

    def _stopped(self, end: End) -> int:
        """The exit code after a request to stop."""
        if end.silent:
            self._say("the worker did not stop and was killed; files it was writing are not whole")
            return 1
        # Else we would have begun again: no failure of a run that was to end.
        return 0 if self._restarts.curable(end) else max(end.code, 0)

    def _watch(self, worker: Worker, beats_before: int) -> End:
        """Wait for a worker's end, killing it where it is silent."""
        silent = False
        while (code := worker.poll()) is None:
            if not silent and (reason := self._silence(worker)):
                self._slow_starts += self._page[Field.STAGE] == Stage.STARTING
                self._say(reason)
                worker.kill()
                silent = True
            self._look_after(worker)
            self._handle(self._wait(_LOOK_S), worker)
        beats = self._page[Field.BEATS] - beats_before
        exchange, self._exchange = self._exchange, False
        return End(
            code=code,
            silent=silent,
            beats=beats,
            beats_ever=self._page[Field.BEATS],
            lived_s=worker.age_s,
            failure=self._page[Field.FAILURE],
            live=bool(self._page[Field.LIVE]),
            exchange=exchange,
        )

    def _wait(self, seconds: float) -> int | None:
        info = signal.sigtimedwait(_WATCHED, max(seconds, 0.0))
        return None if info is None else info.si_signo

    def _handle(self, number: int | None, worker: Worker) -> None:
        if number in _STOPPING:
            self._stop_ns = self._stop_ns or time.monotonic_ns()
            # Whichever was asked with: Ctrl-C's own signal would make a Python that is only
            # starting fail with a traceback.
            worker.send(signal.SIGTERM)
        elif number == signal.SIGTSTP:
            # Ctrl-Z: the worker is in a session of its own, so it is stopped by hand.
            worker.send(signal.SIGSTOP)
            signal.raise_signal(signal.SIGSTOP)
            worker.send(signal.SIGCONT)
            self._page.enter(Stage(self._page[Field.STAGE]))

    def _pause(self, seconds: float) -> bool:
        """Wait before a new beginning; whether we were asked to stop meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._wait(min(left, _LOOK_S)) in _STOPPING:
                return True
        return False

    def _silence(self, worker: Worker) -> str:
        """Why a worker is to be killed; empty while it is not."""
        stage = Stage(self._page[Field.STAGE])
        since_ns = self._page[Field.STAGE_NS]
        if stage is Stage.WRITING:
            if not _accepts(_STDOUT):
                self._full_ns = time.monotonic_ns()
            since_ns = max(since_ns, self._full_ns)
        since_s = (time.monotonic_ns() - since_ns) / _NS
        if self._stop_ns:
            since_s = (time.monotonic_ns() - self._stop_ns) / _NS
            limit = _ENDING_S * self._slowness if stage is Stage.ENDING else self._grace_s
        else:
            limit = self._limit(stage, worker)
        if since_s <= limit:
            return ""
        return f"the worker is silent for {since_s:.1f} s ({stage.name.lower()}); killing it"

    @property
    def _grace_s(self) -> float:
        return self._settings.patience_s + _LONGER_S

    def _limit(self, stage: Stage, worker: Worker) -> float:
        """How long a stage may take in seconds."""
        if stage in (Stage.WORKING, Stage.WAITING, Stage.WRITING):
            if worker.pid != self._started:
                self._started, self._start_s, self._slow_starts = worker.pid, worker.age_s, 0
            return self._settings.patience_s + _LONGER_S
        if stage is Stage.STARTING:
            # Four times as long as the last one took: the card may be busy. A machine that has
            # become slower gets twice as long with each start that was cut short.
            longest_s = self._settings.start_s
            known = longest_s / 4 if self._start_s is None else self._start_s
            usual_s = max(4 * known, _LEAST_START_S) * 2.0**self._slow_starts
            return min(usual_s, longest_s)
        limits = {Stage.ACCELERATOR: _ACCELERATOR_S, Stage.OPENING: _OPENING_S}
        return limits.get(stage, _ENDING_S) * self._slowness

    def _look_after(self, worker: Worker) -> None:
        now = time.monotonic()
        self._tell_manager()
        if now >= self._health_due:
            self._health_due = now + _HEALTH_S
            self._look_at_health(read_health(worker.pid), now)
        if self._page[Field.DEGRADED] and self._settings.accelerated:
            self._try_accelerator(worker, now)

    def _tell_manager(self) -> None:
        """Feed systemd's watchdog, with real frames only."""
        beats = self._page[Field.BEATS]
        if beats == self._watched_beats:
            return
        if not self._watched_beats:
            self._notifier.send(READY=1, STATUS="running")
        self._watched_beats = beats
        self._notifier.send(WATCHDOG=1)

    def _look_at_health(self, health: Health, now: float) -> None:
        self._page[Field.SLOWED] = int(health.slowed)
        complaints = health.complaints()
        if complaints != self._complaints:
            self._complaints = complaints
            rate = "; every other frame is let go" if health.slowed else ""
            self._say(f"the board reports: {', '.join(complaints) or 'all well again'}{rate}")
        if self._settings.health_s is not None and now >= self._report_due:
            self._report_due = now + self._settings.health_s
            age_s = (time.monotonic_ns() - self._page[Field.BEAT_NS]) / _NS
            seen = f"last frame {age_s:.1f} s ago" if self._page[Field.BEATS] else "no frame yet"
            self._say(f"health: {_words(health)}, {self._page[Field.BEATS]} frames, {seen}")

    def _try_accelerator(self, worker: Worker, now: float) -> None:
        """Try it in a process of its own; where it works, the worker begins again with it."""
        if self._probe is None:
            if now >= self._probe_due:
                mask = set(signal.pthread_sigmask(signal.SIG_BLOCK, ())) - set(_WATCHED)
                self._probe = start_worker(self._probe_command, None, mask, quiet=True)
            return
        code = self._probe.poll()
        if code is None and self._probe.age_s <= _PROBE_LIMIT_S * self._slowness:
            return
        self._end_probe()
        self._probe_wait_s *= 2
        self._probe_due = now + min(self._probe_wait_s, 10 * self._settings.probe_s)
        if code == 0:
            self._say("the accelerator works again")
            self._exchange = True
            worker.send(signal.SIGTERM)

    def _end_probe(self) -> None:
        if self._probe is not None:
            self._probe.kill()
            self._probe = None


def _accepts(descriptor: int) -> bool:
    """Whether a write would not wait: the reader of our stdout, which is the worker's, keeps up."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


def _words(health: Health) -> str:
    parts = [
        (health.temperature_c, "{:.0f} °C"),
        (health.frequency_mhz, "{:.0f} MHz"),
        (health.rss_mb, "{:.0f} MB"),
    ]
    known = [text.format(value) for value, text in parts if value is not None]
    throttled = ", ".join(health.complaints()) or "not throttled"
    return ", ".join([*known, throttled if health.throttled is not None else "throttling unknown"])


def run_supervised(arguments: list[str], settings: SupervisorSettings, program: str) -> int:
    """Supervise `faceage-camera` with these arguments; see `Supervisor.run`."""
    # -P: what lies in the working directory is no module of ours.
    command = [sys.executable, "-P", "-m", "faceage_edge.camera", *arguments]

    def say(text: str) -> None:
        print(f"{program}: {text}", file=sys.stderr, flush=True)

    return Supervisor(command, [*command, "--try-accelerator"], settings, say).run()
