"""Fuzz what reads bytes of others, and write what came of it.

    python -m faceage_convert.fuzz --target tflite --seconds 1800 --json fuzz-tflite.json

With `--engine atheris` (pip install "faceage[fuzz]") inputs are guided by the code that they reach;
the plain engine spoils the seeds blindly and needs nothing. A finding is any exception that is not
one of ours, or a read that takes five seconds of the processor; its input is kept in `--findings`.
"""

import argparse
import hashlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from faceage_convert.fuzz_mutations import Mutator
from faceage_convert.fuzz_targets import TARGETS, Target
from faceage_convert.provenance import tool_versions
from faceage_edge.atomic import write_text
from faceage_edge.command import run
from faceage_edge.errors import QualityGateError, missing_extra

__all__ = ["Outcome", "fuzz", "main"]

_HANG_SECONDS = 5
# libFuzzer knows the clock only.
_CLOCK_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """What a run found: `findings` are messages, `stopped` by the budget of time or executions."""

    target: str
    engine: str
    seeds: int
    executions: int
    seconds: float
    findings: tuple[str, ...]


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
    add("--seed", type=int, default=0, help="of the plain engine")
    add("--findings", type=Path, default=Path("fuzz-findings"), help="folder of inputs that failed")
    add("--json", type=Path, help="result file to write")
    options = parser.parse_args(argv)
    return run("faceage_convert.fuzz", lambda: _command(options))


def _command(options: argparse.Namespace) -> int:
    engine = _atheris if options.engine == "atheris" else _plain
    outcome = engine(options)
    print(f"{outcome.target}: {outcome.executions:,} executions in {outcome.seconds:.0f} s")
    if options.json is not None:
        document = {"fuzz": 1, **asdict(outcome), "tools": tool_versions()}
        write_text(options.json, json.dumps(document, indent=1) + "\n")
    if outcome.findings:
        raise QualityGateError(
            f"{len(outcome.findings)} findings, their inputs are in {options.findings}: "
            f"{'; '.join(outcome.findings[:3])}"
        )
    return 0


def _plain(options: argparse.Namespace) -> Outcome:
    return fuzz(
        options.target,
        executions=options.executions,
        seconds=options.seconds,
        seed=options.seed,
        keep=options.findings,
    )


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
    started, done = time.monotonic(), 0
    before = signal.signal(signal.SIGPROF, _hangs)
    try:
        while done < executions and time.monotonic() - started < seconds:
            data = mutator.next()
            failure = _failure(target, data)
            if failure is not None:
                found.setdefault(failure, data)
            done += 1
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    if keep is not None and found:
        _keep(keep, found.values())
    elapsed = round(time.monotonic() - started, 1)
    return Outcome(name, "plain", len(seeds), done, elapsed, tuple(found))


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


def _atheris(options: argparse.Namespace) -> Outcome:
    """Run libFuzzer in a child: it ends its process by itself."""
    try:
        import atheris  # noqa: F401
    except ImportError as error:
        raise missing_extra("atheris", "fuzz") from error
    options.findings.mkdir(parents=True, exist_ok=True)
    seeds = TARGETS[options.target].seeds()
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds):
            Path(corpus, f"seed-{number}").write_bytes(data)
        started = time.monotonic()
        done = subprocess.run(
            [
                sys.executable, "-m", "faceage_convert.fuzz_child", options.target, corpus,
                f"-runs={options.executions}", f"-max_total_time={int(options.seconds)}",
                f"-timeout={_CLOCK_SECONDS}", f"-artifact_prefix={options.findings}/",
                "-max_len=65536", "-print_final_stats=1", "-verbosity=0",
            ],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
    said = done.stdout + done.stderr
    count = re.search(r"stat::number_of_executed_units:\s+(\d+)", said)
    findings = () if done.returncode == 0 else (_last_error(said),)
    return Outcome(
        options.target, "atheris", len(seeds), int(count[1]) if count else 0,
        round(time.monotonic() - started, 1), findings,
    )  # fmt: skip


def _last_error(said: str) -> str:
    lines = [
        line.strip() for line in said.splitlines() if re.match(r"\s*(\w+Error|ALARM|==)", line)
    ]
    return lines[0] if lines else said[-200:]


if __name__ == "__main__":
    sys.exit(main())
