"""Make batches in a process of their own while the caller trains."""

import multiprocessing
import queue
from collections.abc import Callable, Iterator
from typing import Any

from faceage_edge.errors import FaceageError, FacesError

__all__ = ["in_background"]

_WAITING = 6
_PATIENCE_S = 5.0


def in_background(
    make: Callable[..., Iterator[Any]], *arguments: Any, waiting: int = _WAITING
) -> Iterator[Any]:
    """Run an iterator in another process.

    Args:
        make: a module's function; called there with the arguments, which must pickle.
        arguments: of `make`.
        waiting: how many items may wait to be taken.

    Yields:
        What it yields.

    Raises:
        FacesError: it raised a FaceageError, whose message this is, or its process died.
    """
    context = multiprocessing.get_context("spawn")
    items: Any = context.Queue(waiting)
    process = context.Process(target=_run, args=(make, arguments, items), daemon=True)
    process.start()
    try:
        while True:
            try:
                item = items.get(timeout=_PATIENCE_S)
            except queue.Empty:
                if not process.is_alive():
                    raise FacesError(
                        "the process that makes the batches has died, for want of memory perhaps; "
                        "run the same command again, it goes on where it was"
                    ) from None
                continue
            if isinstance(item, str):
                raise FacesError(item)
            yield item
    finally:
        process.terminate()
        process.join()


def _put(items: Any, item: Any) -> None:
    """Hand an item over; a parent that was killed will never take it."""
    parent = multiprocessing.parent_process()
    while True:
        try:
            items.put(item, timeout=_PATIENCE_S)
            return
        except queue.Full:
            if parent is not None and not parent.is_alive():
                # Else the queue's own thread would wait for a reader for ever.
                items.cancel_join_thread()
                raise KeyboardInterrupt from None


def _run(make: Callable[..., Iterator[Any]], arguments: tuple[Any, ...], items: Any) -> None:
    try:
        for item in make(*arguments):
            _put(items, item)
    except FaceageError as error:
        _put(items, str(error))
    except KeyboardInterrupt:
        # Stopped from the keyboard, as the trainer is, which says so.
        return
