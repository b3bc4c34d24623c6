"""`faceage-benchmark latency`: how long one model takes, or two in interleaved pairs.

Runs on a device with the plain install: nothing here imports more than faceage_edge, save where a
Keras file is named.
"""

import argparse
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import numpy as np

from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.opened import OpenedModel, open_model, parsed
from faceage_benchmarks.output import deliver
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_benchmarks.stopwatch import Effort, Timings, time_models
from faceage_benchmarks.timings import latency_figures
from faceage_calibration.progress import Progress
from faceage_edge.delegates import DelegateSpec
from faceage_edge.errors import UsageError
from faceage_edge.runtime import runtime_name

__all__ = ["effort_of", "latency_content", "run"]

# Below this a p99 rests on a handful of samples, and a processor has not warmed up: a file that
# holds less says that it is a quick look.
_DEFAULT = Effort(seconds=60.0, runs=1024, loads=20)
_QUICK = Effort(seconds=2.0, runs=40, loads=8)
# Run in turn, so that no branch or cache learns one picture.
_PICTURES = 8
_MEASURES = (
    "one batch of the model: crops in, input table, invoke, dequantised outputs; no detector, no "
    "decoding; random pictures; the cold start finds the file in the page cache"
)

Loader = Callable[[], Callable[[], object]]


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Measure the model or models that the command line names; see cli.py."""
    machine = describe_machine()
    # The runtime's own import is no part of a model's cold start.
    runtime = runtime_name()
    names = [options.model] + ([options.against] if options.against else [])
    # The second model, if any, is what the accelerator is compared with.
    delegates = [parsed(options.delegate), None]
    models = [
        _prepare(name, options, delegate) for name, delegate in zip(names, delegates, strict=False)
    ]
    identities, loaders = [model[0] for model in models], [model[1] for model in models]
    effort = effort_of(options.seconds, options.runs, options.loads, quick=options.quick)
    timings = time_models(
        loaders, effort, seed=options.seed, progress=Progress("loads", effort.loads)
    )
    note_after(machine)
    content = latency_content(timings, effort, seed=options.seed)
    if options.faces:
        # After the times, so that it cannot disturb them; ages go through the same `run`.
        from faceage_benchmarks.accuracy import measure_beside

        content = measure_beside(content, options)
    result = new_result(
        "latency",
        command=command,
        machine=machine,
        model=identities[0],
        **({"against": identities[1]} if len(identities) > 1 else {}),
        **content,
        runtime=runtime,
        threads=options.threads,
    )
    deliver(result, options.json)
    return 0


def effort_of(seconds: float | None, runs: int | None, loads: int | None, *, quick: bool) -> Effort:
    """Return how much to measure: what the user asks for, else the default or the quick one.

    Raises:
        UsageError: seconds below zero, no runs, or fewer than two loads.
    """
    usual = _QUICK if quick else _DEFAULT
    effort = Effort(
        seconds=usual.seconds if seconds is None else seconds,
        runs=usual.runs if runs is None else runs,
        loads=usual.loads if loads is None else loads,
    )
    if effort.seconds < 0 or effort.runs < 1 or effort.loads < 2:
        raise UsageError(
            f"{effort.seconds:g} seconds, {effort.runs} runs and {effort.loads} loads measure "
            "nothing; give --seconds from 0, --runs from 1 and --loads from 2, since a model's "
            "time changes from load to load"
        )
    return effort


def latency_content(timings: Timings, effort: Effort, *, seed: int) -> dict[str, Any]:
    """Return a latency result's own keys.

    Args:
        timings: of one model, or of two; the second is the one measured against.
        effort: what was asked for; `quick` in the result says whether it was less than usual.
        seed: of the pictures, the order and the bootstrap.
    """
    samples: dict[str, Any] = {"load": timings.load, **vars(timings.models[0])}
    if len(timings.models) > 1:
        samples |= {f"against_{key}": value for key, value in vars(timings.models[1]).items()}
        samples["model_ran_first"] = [index == 0 for index in timings.first]
    settings = bootstrap_settings("loads", seed=seed)
    return {
        **latency_figures(samples, settings),
        "measures": _MEASURES,
        "quick": effort.seconds < _DEFAULT.seconds or effort.runs < _DEFAULT.runs,
        "asked": vars(effort),
        "warm_up": {"runs": timings.warm_up_runs, "ms": round(timings.warm_up_ms, 1)},
        "seeds": {"pictures": seed, "order": seed},
        "bootstrap": settings,
        "samples": samples,
    }


def _prepare(
    name: str, options: argparse.Namespace, delegate: DelegateSpec | None
) -> tuple[dict[str, Any], Loader]:
    """Return a model's identity and what loads it once more, for the cold start."""

    def load() -> OpenedModel:
        return open_model(
            name, contract_file=options.contract, threads=options.threads, delegate=delegate
        )

    opened = load()
    wanted = opened.contract.input
    shape = (_PICTURES, wanted.batch, wanted.height, wanted.width, 3)
    pictures = np.random.default_rng(options.seed).integers(0, 256, shape, dtype=np.uint8)

    def loader() -> Callable[[], object]:
        model, turns = load(), cycle(pictures)
        return lambda: model.run(next(turns))

    return opened.identity, loader
