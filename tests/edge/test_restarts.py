"""What follows an end, as a table."""

import signal

import pytest

from faceage_edge.heartbeat_page import Failure
from faceage_edge.restarts import End, Restarts


def worked(code: int, *, failure: Failure = Failure.NONE, live: bool = False) -> End:
    """The end of a worker that gave results for twenty seconds."""
    return End(code, beats=50, beats_ever=50, lived_s=20.0, failure=failure, live=live)


@pytest.mark.parametrize(
    ("end", "code", "note"),
    [
        (End(0), 0, "done"),
        (End(2), 2, "wrong usage"),
        (End(130), 130, "a second Ctrl-C"),
        (worked(1, failure=Failure.OTHER), 1, "a full disk"),
        (End(1, failure=Failure.SOURCE), 1, "a camera that never was"),
        (End(1, failure=Failure.SOURCE, beats_ever=9), 1, "a film that breaks off"),
        (worked(1, failure=Failure.SOURCE, live=True), None, "a camera that is lost"),
        (worked(1, failure=Failure.NONE), None, "an error nobody foresaw"),
        (End(-signal.SIGSEGV), None, "a crash at the start: once is no proof"),
        (End(-signal.SIGKILL, silent=True), None, "killed for silence"),
    ],
)
def test_what_a_restart_can_cure_is_begun_anew(end: End, code: int | None, note: str) -> None:
    """And everything else ends the run with the worker's own code."""
    assert Restarts(accelerated=False).decide(end).code == code, note


def test_a_worker_that_never_works_is_given_up() -> None:
    """Three deaths before any result: code 1, and how it died."""
    restarts = Restarts(accelerated=False)
    decisions = [restarts.decide(End(-signal.SIGSEGV)) for _ in range(3)]
    assert [decision.code for decision in decisions] == [None, None, 1]
    assert "SIGSEGV, 3 times in a row" in decisions[-1].why


def test_a_worker_that_worked_is_never_given_up_and_waits_grow() -> None:
    """At once, then half a second, up to four; after a good while at once again."""
    restarts = Restarts(accelerated=False)
    died = End(-signal.SIGKILL, beats=1, beats_ever=1, lived_s=1.0)
    delays = [restarts.decide(died).delay_s for _ in range(8)]
    assert delays == [0.0, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0]
    assert restarts.decide(worked(-signal.SIGKILL)).delay_s == 0.0


@pytest.mark.parametrize(
    ("ends", "degraded", "note"),
    [
        ([(0, End(-6))], [True], "dead before any result: it does not work"),
        ([(0, worked(-6))], [False], "once after it worked: chance"),
        ([(0, worked(-6)), (60, worked(-6))], [False, True], "twice in two minutes"),
        ([(0, worked(-6)), (600, worked(-6))], [False, False], "ten minutes apart"),
        ([(0, End(1, failure=Failure.ACCELERATOR))], [True], "it refuses"),
        ([(0, worked(1, failure=Failure.SOURCE, live=True))], [False], "the camera's doing"),
    ],
)
def test_an_accelerator_that_fails_is_done_without(
    ends: list[tuple[float, End]], degraded: list[bool], note: str
) -> None:
    """At once where it never worked, else when it dies twice."""
    clock = iter([at for at, _ in ends])
    restarts = Restarts(accelerated=True, clock=lambda: next(clock))
    assert [restarts.decide(end).degraded for _, end in ends] == degraded, note


def test_an_exchange_goes_back_to_the_accelerator() -> None:
    """The worker that ended for it ended well."""
    restarts = Restarts(accelerated=True)
    assert restarts.decide(End(-6)).degraded
    decision = restarts.decide(End(0, beats=50, beats_ever=50, lived_s=20.0, exchange=True))
    assert (decision.code, decision.degraded, decision.delay_s) == (None, False, 0.0)
