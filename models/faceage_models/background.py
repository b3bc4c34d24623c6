"""Make batches in processes of their own while the caller trains."""

import multiprocessing
import queue
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cv2

from faceage_edge.errors import FaceageError, FacesError
from faceage_models.shared_slots import Packed, SharedSlots

__all__ = ["in_backgrounds"]

_WAITING = 6
_PATIENCE_S = 5.0


def in_backgrounds(
    make: Callable[..., Iterator[Any]],
    calls: Sequence[tuple[Any, ...]],
    *,
    room: int = 0,
    waiting: int = _WAITING,
) -> Iterator[Any]:
    """Run several iterators, each in a process of its own.

    Args:
        make: a module's function, which must pickle.
        calls: the arguments of each; they should differ, in a seed perhaps.
        room: bytes of arrays in an item at most; given, they go through shared memory.
        waiting: how many items may wait to be taken; two a process where those are more.

    Yields:
        What they yield, as it comes.

    Raises:
        FacesError: one raised a FaceageError, whose message this is, or its process died.
    """
    context = multiprocessing.get_context("spawn")
    alone = len(calls) == 1
    waiting = waiting if alone else max(waiting, 2 * len(calls))
    items: Any = context.Queue(waiting)
    slots = SharedSlots(context, waiting, room) if room else None
    processes = [
        context.Process(target=_run, args=(make, arguments, items, slots, alone), daemon=True)
        for arguments in calls
    ]
    for process in processes:
        process.start()
    try:
        while True:
            try:
                item = items.get(timeout=_PATIENCE_S)
            except queue.Empty:
                if not all(process.is_alive() for process in processes):
                    raise _died() from None
                continue
            # One of many that is killed would else only be missed.
            if any(process.exitcode for process in processes):
                raise _died()
            if isinstance(item, str):
                raise FacesError(item)
            yield slots.unpack(item) if slots and isinstance(item, Packed) else item
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _died() -> FacesError:
    return FacesError(
        "a process that makes the batches has died, for want of memory perhaps; "
        "run the same command again, it goes on where it was"
    )


def _put(items: Any, item: Any, slots: SharedSlots | None = None) -> None:
    """Hand an item over; a parent that was killed will never take it."""
    parent = multiprocessing.parent_process()
    while True:
        try:
            if slots is not None and not isinstance(item, Packed):
                item = slots.pack(item, _PATIENCE_S)
            items.put(item, timeout=_PATIENCE_S)
            return
        except (queue.Empty, queue.Full):
            if parent is not None and not parent.is_alive():
                # Else the queue's own thread would wait for a reader for ever.
                items.cancel_join_thread()
                raise KeyboardInterrupt from None


def _run(
    make: Callable[..., Iterator[Any]],
    arguments: tuple[Any, ...],
    items: Any,
    slots: SharedSlots | None,
    alone: bool,
) -> None:
    if not alone:
        # There are as many processes as cores: threads of theirs would wait for each other.
        cv2.setNumThreads(1)
    try:
        for item in make(*arguments):
            _put(items, item, slots)
    except FaceageError as error:
        _put(items, str(error))
    except KeyboardInterrupt:
        # Stopped from the keyboard, as the trainer is, which says so.
        return
