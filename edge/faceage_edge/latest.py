"""Give the newest item to something slow, in a thread of its own, without ever waiting for it.

A browser on a bad network or a broker that is down must not hold up the camera loop. The loop
leaves an item and goes on; whoever is slow gets the newest one when ready and never sees the rest.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Latest"]

Item = TypeVar("Item")


class Latest(Generic[Item]):
    """A slot for one item, and the thread that empties it.

    `take` is called with the newest item in that thread, at most every `pause_s` seconds. What it
    raises ends only that item: it is counted, and its words kept, for `remarks`.
    """

    def __init__(self, take: Callable[[Item], None], *, name: str, pause_s: float = 0.0) -> None:
        self._take = take
        self._name = name
        self._pause_s = pause_s
        self._changed = threading.Condition()
        self._newest: Item | None = None
        self._stopping = threading.Event()
        self._dropped = self._failed = 0
        self._words = ""
        # A daemon: a send that never returns must not keep the process from ending.
        self._thread = threading.Thread(target=self._drain, name=name, daemon=True)

    @property
    def dropped(self) -> int:
        """Items that a newer one replaced before they were taken."""
        return self._dropped

    @property
    def failed(self) -> int:
        """Items whose taking raised."""
        return self._failed

    def remarks(self) -> list[str]:
        """What went wrong, if anything did."""
        if not self._failed:
            return []
        return [f"{self._name} failed {self._failed} times, last: {self._words}"]

    def start(self) -> None:
        """Begin to take items."""
        self._thread.start()

    def offer(self, item: Item) -> None:
        """Leave an item in place of the one that waits; never blocks on the taker."""
        with self._changed:
            self._dropped += self._newest is not None
            self._newest = item
            self._changed.notify()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Take the item that waits and end the thread.

        Args:
            timeout_s: how long to wait for a taking in progress; one that lasts longer is left
                behind with its thread.
        """
        self._stopping.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(timeout_s)

    def _drain(self) -> None:
        while True:
            with self._changed:
                while self._newest is None and not self._stopping.is_set():
                    self._changed.wait()
                item, self._newest = self._newest, None
            if item is None:
                return
            self._attempt(item)
            if self._pause_s:
                self._stopping.wait(self._pause_s)

    def _attempt(self, item: Item) -> None:
        try:
            self._take(item)
        except Exception as error:  # whatever it is, the loop and the next item go on
            self._failed += 1
            self._words = f"{type(error).__name__}: {error}"
