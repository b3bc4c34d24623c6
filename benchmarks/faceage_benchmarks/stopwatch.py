"""Time one or two models fairly: cold start, warm-up and samples apart, samples interleaved.

Two models run in pairs, the order within each pair drawn at random, so that whatever slows the
machine meets both. Both are loaded anew many times: where their memory happens to lie changes a
model's time by a few per cent and stays as it is until the next load, so that one load, however
long it is measured, says little. No sample is dropped: a slow one is what a user waited for.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

__all__ = ["Effort", "ModelTimes", "Timings", "time_models"]

Run = Callable[[], object]
Loader = Callable[[], Run]
Clock = Callable[[], float]
_MS_DECIMALS = 4
# A tenth of the time, so that clocks and caches settle in proportion to what follows.
_WARM_UP_SHARE = 0.1
_WARM_UP_RUNS = 3


@dataclass(frozen=True)
class Effort:
    """How much to measure: until both the seconds and the runs are reached, over all loads."""

    seconds: float
    runs: int
    loads: int


@dataclass(frozen=True)
class ModelTimes:
    """One model's milliseconds: of each run, and for each load of loading and of the first run."""

    ms: list[float] = field(default_factory=list)
    load_ms: list[float] = field(default_factory=list)
    first_run_ms: list[float] = field(default_factory=list)


@dataclass
class Timings:
    """What was measured.

    Attributes:
        models: times of each model, in the order they were given; equal numbers of runs.
        load: for each round which load it is from.
        first: for each round the index of the model that ran first.
        warm_up_runs: rounds that are no samples, over all loads.
        warm_up_ms: what they took.
    """

    models: tuple[ModelTimes, ...]
    load: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    warm_up_runs: int = 0
    warm_up_ms: float = 0.0


def time_models(
    loaders: Sequence[Loader],
    effort: Effort,
    *,
    seed: int = 0,
    clock: Clock = time.perf_counter,
    progress: Callable[[int], None] | None = None,
) -> Timings:
    """Load the models, warm them up and time them in turn, and all that once more.

    Args:
        loaders: each loads a model and returns what runs it once.
        effort: when to stop.
        seed: of the order within each round.
        clock: seconds, monotonic.
        progress: told how many loads are done.
    """
    # A list of its own for each model: samples pooled between models are one of the known faults.
    timings = Timings(tuple(ModelTimes() for _ in loaders))
    shuffler = random.Random(seed)
    for load in range(effort.loads):
        order = shuffler.sample(range(len(loaders)), len(loaders))
        runs: dict[int, Run] = {
            index: _load(loaders[index], timings.models[index], clock) for index in order
        }
        _warm_up(runs, timings, effort, clock)
        _measure(runs, timings, effort, clock, shuffler, load)
        if progress is not None:
            progress(load + 1)
    return timings


def _load(loader: Loader, times: ModelTimes, clock: Clock) -> Run:
    start = clock()
    run = loader()
    loaded = clock()
    run()
    times.load_ms.append(_ms(loaded - start))
    times.first_run_ms.append(_ms(clock() - loaded))
    return run


def _warm_up(runs: dict[int, Run], timings: Timings, effort: Effort, clock: Clock) -> None:
    seconds = effort.seconds * _WARM_UP_SHARE / effort.loads
    start, done = clock(), 0
    while done < _WARM_UP_RUNS or clock() - start < seconds:
        for run in runs.values():
            run()
        done += 1
    timings.warm_up_runs += done
    timings.warm_up_ms += _ms(clock() - start)


def _measure(
    runs: dict[int, Run],
    timings: Timings,
    effort: Effort,
    clock: Clock,
    shuffler: random.Random,
    load: int,
) -> None:
    """Time rounds of one load, until it has its share of the seconds and of the runs."""
    seconds, wanted = effort.seconds / effort.loads, -(-effort.runs // effort.loads)
    start, done = clock(), 0
    while done < wanted or clock() - start < seconds:
        order = shuffler.sample(sorted(runs), len(runs))
        for index in order:
            before = clock()
            runs[index]()
            timings.models[index].ms.append(_ms(clock() - before))
        timings.load.append(load)
        timings.first.append(order[0])
        done += 1


def _ms(seconds: float) -> float:
    return round(1000 * seconds, _MS_DECIMALS)
