"""Fuzz what reads bytes of others.

    python -m faceage_convert.fuzz --target tflite --seconds 1800

With `--engine atheris` (pip install "faceage[fuzz]") inputs are guided by the code that they reach;
the plain engine spoils the seeds blindly and needs nothing. A finding is any exception that is not
one of ours, or a read that takes five seconds of the processor; its input is kept in `--findings`.
`faceage-benchmark fuzz` runs this and makes a result file of what it prints with `--json`.
"""

import argparse
import hashlib
import json
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from faceage_convert.fuzz_guided import fuzz_guided
from faceage_convert.fuzz_mutations import Mutator
from faceage_convert.fuzz_outcome import Outcome, Progress, seed_files
from faceage_convert.fuzz_targets import TARGETS, Target
from faceage_convert.provenance import tool_versions
from faceage_edge.command import run
from faceage_edge.errors import QualityGateError

__all__ = ["fuzz", "main"]

_HANG_SECONDS = 5


class _Hang(Exception):
    """A read that does not end."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; code 3 where something was found."""
    parser = argparse.ArgumentParser(prog="faceage_convert.fuzz", description=__doc__)
    add = parser.add_argument
    add("--target", choices=tuple(TARGETS), required=True, help="which reader")
    add("--engine", choices=("plain", "atheris"), default="plain", help="who makes the inputs")
    add("--executions", type=int, default=1_000_000, metavar="N", help="stop after so many")
    add("--seconds", type=float, default=1800, help="or after so long")
    add("--seed", type=int, default=0, help="of the inputs")
    add("--findings", type=Path, default=Path("fuzz-findings"), help="folder of inputs that failed")
    add("--json", action="store_true", help="one JSON object on stdout, with what was done when")
    options = parser.parse_args(argv)
    return run("faceage_convert.fuzz", lambda: _command(options))


def _command(options: argparse.Namespace) -> int:
    engine = fuzz_guided if options.engine == "atheris" else fuzz
    outcome = engine(
        options.target,
        executions=options.executions,
        seconds=options.seconds,
        seed=options.seed,
        keep=options.findings,
    )
    words = f"{outcome.target}: {outcome.executions:,} executions in {outcome.seconds:.0f} s"
    print(words, file=sys.stderr if options.json else sys.stdout)
    if options.json:
        tools = tool_versions()
        if outcome.engine == "atheris":
            tools["atheris"] = version("atheris")
        print(json.dumps({**asdict(outcome), "tools": tools}))
    if outcome.findings:
        raise QualityGateError(
            f"{len(outcome.findings)} findings, their inputs are in {options.findings}: "
            f"{'; '.join(outcome.findings[:3])}"
        )
    return 0


def fuzz(
    name: str, *, executions: int, seconds: float, seed: int = 0, keep: Path | None = None
) -> Outcome:
    """Spoil the seeds of a target over and over and read them.

    Args:
        name: of the target.
        executions: at most.
        seconds: at most.
        seed: the same seed gives the same inputs.
        keep: folder for inputs that failed; None keeps none.

    Returns:
        What was found, each kind of failure once.
    """
    target = TARGETS[name]
    seeds = target.seeds()
    mutator = Mutator(seeds, seed)
    found: dict[str, bytes] = {}
    progress, done = Progress(), 0
    before = signal.signal(signal.SIGPROF, _hangs)
    try:
        while done < executions and time.monotonic() - progress.started < seconds:
            data = mutator.next()
            failure = _failure(target, data)
            if failure is not None:
                found.setdefault(failure, data)
            done += 1
            progress.note(done)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    if keep is not None and found:
        _keep(keep, found.values())
    progress.end(done)
    return Outcome(name, "plain", seed, seed_files(seeds), progress.rows(), tuple(found))


def _failure(target: Target, data: bytes) -> str | None:
    """How a target failed on an input, where in the code; None where it did not."""
    # Processor time, not the clock's: a busy machine is no hang.
    signal.setitimer(signal.ITIMER_PROF, _HANG_SECONDS)
    try:
        target.run(data)
    except _Hang:
        return f"no end within {_HANG_SECONDS} s"
    except Exception as error:  # any that is not ours is what is looked for
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        place = (
            ""
            if last is None
            else f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}"
        )
        return f"{type(error).__name__} at {place}: {str(error)[:100]}"
    return None


def _hangs(_: int, __: FrameType | None) -> None:
    raise _Hang


def _keep(folder: Path, inputs: Iterable[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
