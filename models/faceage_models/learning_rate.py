"""The learning rate of every training here."""

import math

__all__ = ["warm_cosine"]


def warm_cosine(step: int, *, highest: float, warm: int, steps: int) -> float:
    """Learning rate of a step: a linear start, then half a cosine to nought.

    Loshchilov and Hutter, arXiv:1608.03983, without restarts.

    Args:
        step: counted from 0.
        highest: rate, reached at the end of the start.
        warm: steps of the start.
        steps: of the whole run.
    """
    if step < warm:
        return highest * (step + 1) / warm
    done = min((step - warm) / max(steps - warm, 1), 1.0)
    return highest * (1 + math.cos(math.pi * done)) / 2
