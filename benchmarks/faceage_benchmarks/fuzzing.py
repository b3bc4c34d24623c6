"""`faceage-benchmark fuzz`: what `python -m faceage_convert.fuzz` did and found, as a result file.

The fuzzer reads model files with the converter's own readers and so belongs to it; like
`faceage-convert` itself (conversion.py) it is run as a process of its own.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from faceage_benchmarks.machine import describe_machine, note_after
from faceage_benchmarks.output import deliver
from faceage_benchmarks.result import bootstrap_settings, new_result
from faceage_calibration.errors import SamplesError
from faceage_edge.errors import FaceageError

__all__ = ["fuzz_figures", "run"]

_PROGRAM = "faceage_convert.fuzz"
_PASSED_ON = ("target", "engine", "executions", "seconds", "findings", "seed")
# Of faceage-convert: 0 done, 3 something was found; both with a document on stdout.
_DONE, _FOUND = 0, 3
# A run that stops of itself before either says that it is quick.
_SECONDS, _EXECUTIONS = 1800.0, 1_000_000


def run(options: argparse.Namespace, command: Sequence[str]) -> int:
    """Fuzz as the command line says; see conversion_commands.py.

    Returns:
        0, or 3 where something was found; the file is written all the same.
    """
    machine = describe_machine()
    outcome, code = _fuzzed(options)
    note_after(machine)
    samples = {
        "seed_files": outcome["seed_files"],
        "progress": {
            key: [row[key] for row in outcome["progress"]]
            for key in ("executions", "seconds", "edges")
        },
        "found": outcome["findings"],
    }
    settings = bootstrap_settings("nothing: a run is one sample", seed=options.seed)
    figures = fuzz_figures(samples, settings)
    quick = figures["seconds"] < _SECONDS and figures["executions"] < _EXECUTIONS
    result = new_result(
        "fuzz",
        command=command,
        machine=machine,
        measures="spoiled files read, until one ends in anything but a message of ours",
        target=outcome["target"],
        engine=outcome["engine"],
        quick=quick and not figures["findings"],
        **figures,
        tools=outcome["tools"],
        seeds={"inputs": outcome["seed"]},
        bootstrap=settings,
        samples=samples,
    )
    deliver(result, options.json)
    return code


def fuzz_figures(samples: Mapping[str, Any], _bootstrap: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a fuzz result.

    Args:
        samples: `seed_files` that inputs began with (`sha256`, `bytes`); `progress`: `executions`
            so far, `seconds` since the start and `edges` of our code reached (None where the
            engine does not look), a row whenever the executions had doubled, and the end; `found`:
            what went wrong, in words.
        _bootstrap: as the result file states it; unused: a run is one sample.

    Returns:
        `executions`, `seconds` and `executions_a_second` of the whole run, `edges` at its end,
        `findings`, how many, and `seed_bytes`, the size of the files together.

    Raises:
        SamplesError: nothing was executed.
    """
    progress = samples["progress"]
    executions, seconds = progress["executions"][-1], progress["seconds"][-1]
    if executions < 1 or seconds <= 0:
        raise SamplesError(f"{executions} executions in {seconds} s; let the fuzzer run for longer")
    return {
        "executions": executions,
        "seconds": seconds,
        "executions_a_second": executions / seconds,
        "edges": progress["edges"][-1],
        "findings": len(samples["found"]),
        "seed_bytes": sum(file["bytes"] for file in samples["seed_files"]),
    }


def _fuzzed(options: argparse.Namespace) -> tuple[dict[str, Any], int]:
    """Run the fuzzer; return what it printed and its exit code."""
    program = [sys.executable, "-m", _PROGRAM, "--json"]
    for key in _PASSED_ON:
        value = getattr(options, key)
        program += [] if value is None else [f"--{key}", str(value)]
    done = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (_DONE, _FOUND):
        raise FaceageError(
            f"{_PROGRAM} ended with exit code {done.returncode}; its message stands above"
        )
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome, done.returncode
