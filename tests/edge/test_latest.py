"""The slot between the loop and whatever is slow."""

import threading
import time

from faceage_edge.latest import Latest


def test_a_slow_taker_gets_the_newest_item_and_holds_nobody_up() -> None:
    """While one item is taken the others replace each other; the last is never lost."""
    began, go_on = threading.Event(), threading.Event()
    taken: list[int] = []

    def take(item: int) -> None:
        taken.append(item)
        began.set()
        go_on.wait(10)

    latest: Latest[int] = Latest(take, name="slow")
    latest.start()
    latest.offer(0)
    assert began.wait(10)
    before = time.monotonic()
    for item in range(1, 1001):
        latest.offer(item)
    # A thousand offers beside a taker that waits for ten seconds.
    assert time.monotonic() - before < 5
    go_on.set()
    latest.stop()
    assert taken == [0, 1000]
    assert latest.dropped == 999


def test_a_taker_that_never_returns_is_left_behind() -> None:
    """Stopping waits as long as it is told and no longer."""
    for_ever = threading.Event()

    def hang(_: int) -> None:
        for_ever.wait(30)

    latest: Latest[int] = Latest(hang, name="stuck")
    latest.start()
    latest.offer(1)
    before = time.monotonic()
    latest.stop(timeout_s=0.1)
    assert time.monotonic() - before < 5
    for_ever.set()


def test_what_a_taker_raises_ends_that_item_only() -> None:
    """Errors are counted and their last words kept; the next item is taken."""
    taken: list[int] = []

    def take(item: int) -> None:
        if item == 1:
            raise ValueError("bad item")
        taken.append(item)

    latest: Latest[int] = Latest(take, name="sink")
    latest.start()
    latest.offer(1)
    while latest.failed == 0:
        time.sleep(0.001)
    latest.offer(2)
    latest.stop()
    assert taken == [2]
    assert latest.remarks() == ["sink failed 1 times, last: ValueError: bad item"]
