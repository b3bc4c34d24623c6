"""Fuzz with atheris: libFuzzer, which ends its process itself and so runs in a child."""

import contextlib
import re
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from faceage_convert.fuzz_outcome import Outcome, Progress, seed_files
from faceage_convert.fuzz_targets import TARGETS
from faceage_edge.errors import missing_extra

__all__ = ["fuzz_guided"]

# libFuzzer knows the clock only: a read that takes longer is a finding.
_CLOCK_SECONDS = 60
# Of what it says besides its progress; a traceback fits.
_LINES_KEPT = 400
# "#4096	pulse  cov: 321 ft: 702 corp: 50/31Kb exec/s: 1365 rss: 120Mb", and at the end
# "stat::number_of_executed_units: 5000".
_PROGRESS = re.compile(r"#(?P<executions>\d+)\s+\w+\s+cov: (?P<edges>\d+) ")
_TOTAL = re.compile(r"stat::number_of_executed_units:\s+(?P<executions>\d+)")
_ERRORS = (re.compile(r"\w+Error|ALARM"), re.compile("=="))


def fuzz_guided(name: str, *, executions: int, seconds: float, seed: int, keep: Path) -> Outcome:
    """Let libFuzzer spoil the seeds of a target; the first failure ends the run.

    Args:
        name: of the target.
        executions: at most.
        seconds: at most, in whole ones.
        seed: of its random choices.
        keep: folder for the input that failed.

    Raises:
        MissingExtraError: atheris is not installed.
    """
    try:
        import atheris  # noqa: F401
    except ImportError as error:
        raise missing_extra("atheris", "fuzz") from error
    keep.mkdir(parents=True, exist_ok=True)
    seeds = TARGETS[name].seeds()
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds):
            Path(corpus, f"seed-{number}").write_bytes(data)
        command = [
            sys.executable, "-m", "faceage_convert.fuzz_child", name, corpus,
            f"-runs={executions}", f"-max_total_time={max(int(seconds), 1)}",
            # libFuzzer takes 0 for "any".
            f"-seed={seed + 1}",
            f"-timeout={_CLOCK_SECONDS}", f"-artifact_prefix={keep}/",
            "-max_len=65536", "-print_final_stats=1",
        ]  # fmt: skip
        progress = Progress()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process:
            assert process.stdout is not None
            said = _watch(process.stdout, progress)
    findings = () if process.returncode == 0 else (_last_error(said),)
    with contextlib.suppress(OSError):
        keep.rmdir()  # which a folder with an input in it refuses
    return Outcome(name, "atheris", seed, seed_files(seeds), progress.rows(), findings)


def _watch(lines: Iterable[str], progress: Progress) -> Sequence[str]:
    """Follow libFuzzer's lines to their end.

    Args:
        lines: as it prints them.
        progress: is told of each, and of the end.

    Returns:
        The last of its other lines, stripped.
    """
    executions, edges = 0, None
    said: deque[str] = deque(maxlen=_LINES_KEPT)
    for line in lines:
        if match := _PROGRESS.match(line):
            executions, edges = int(match["executions"]), int(match["edges"])
            progress.note(executions, edges)
        elif match := _TOTAL.match(line):
            executions = int(match["executions"])
        else:
            said.append(line.strip())
    progress.end(executions, edges)
    return said


def _last_error(said: Sequence[str]) -> str:
    """Return the line that names what went wrong: Python's own before libFuzzer's."""
    errors = [line for error in _ERRORS for line in said if error.match(line)]
    return errors[0] if errors else " ".join(said)[-200:]
