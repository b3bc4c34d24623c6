"""Ctrl-C and kill: once to finish, twice to end."""

import os
import signal
import threading

import pytest

from faceage_edge.stopping import StopRequest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_interrupts(number: int) -> None:
    """One signal sets the flag; another raises KeyboardInterrupt."""
    with StopRequest() as stop:
        assert not stop.requested()
        os.kill(os.getpid(), number)
        assert stop.requested()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_the_handlers_before_come_back() -> None:
    """Afterwards signals do what they did."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopRequest():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_in_another_thread_signals_are_left_alone() -> None:
    """Only the main thread may set handlers; elsewhere a request simply never comes."""
    seen = []

    def body() -> None:
        with StopRequest() as stop:
            seen.append(stop.requested())

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [False]
