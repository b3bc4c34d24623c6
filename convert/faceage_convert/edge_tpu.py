"""Run the Edge TPU's compiler where it is installed, and read what it says."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from faceage_convert.conversion import Converted
from faceage_convert.coral import ON_CHIP_BYTES, preflight
from faceage_edge.contract import Contract
from faceage_edge.embedded import contract_bytes, model_digest, seal
from faceage_edge.errors import ModelFileError

__all__ = ["CompilerLog", "MappedRow", "compile_all", "compiled_contract", "parse_log"]

COMPILER = "edgetpu_compiler"
# Its own limit for a model is 180 s.
_SECONDS = 900

_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_ROW = re.compile(
    r"^(?P<operator>[A-Z][A-Z0-9_]+|[A-Za-z][\w-]*)\s+(?P<count>\d+)\s+(?P<status>\S.*)$"
)
_FOLDER = "coral"
_MAPPED = "Mapped to Edge TPU"


@dataclass(frozen=True)
class MappedRow:
    """A line of the compiler's table: so many operators of a kind, and where they run."""

    operator: str
    count: int
    status: str

    @property
    def mapped(self) -> bool:
        """Whether the Edge TPU runs them."""
        return self.status == _MAPPED


@dataclass(frozen=True)
class CompilerLog:
    """What the compiler said of one model. Sizes in bytes; None where it did not get so far.

    `problem` is its own words where it refused the model.
    """

    model: str
    output: str | None
    version: str | None
    on_chip_used: int | None
    on_chip_left: int | None
    off_chip: int | None
    subgraphs: int | None
    operators: int | None
    rows: tuple[MappedRow, ...]
    problem: str | None

    @property
    def on_cpu(self) -> int:
        """How many operators the CPU runs."""
        return sum(row.count for row in self.rows if not row.mapped)


def parse_log(text: str) -> tuple[CompilerLog, ...]:
    """Read the compiler's output, of one model or of several that were compiled together.

    Args:
        text: its stdout and stderr.

    Returns:
        One entry for each model, in the order of the output.

    Raises:
        ModelFileError: it is no output of this compiler.
    """
    found = re.search(r"Edge TPU Compiler version (\S+)", text)
    version = None if found is None else found[1]
    parts = re.split(r"(?m)^(?=(?:Input model|Invalid model): )", text)[1:]
    if not parts:
        if version is None:
            raise ModelFileError(
                f"no output of {COMPILER}: found {text[:60]!r}, expected its version first"
            )
        return (_refused("", version, text),)
    # What stands before the first model (a missing operator, say) belongs to a model refused.
    return tuple(_one(part, version, text) for part in parts)


def _one(part: str, version: str | None, text: str) -> CompilerLog:
    name = part.split(":", 1)[1].splitlines()[0].strip()
    if part.startswith("Invalid model"):
        return _refused(name, version, text)
    operators, subgraphs = (_number(part, key) for key in (
        "Total number of operations", "Number of Edge TPU subgraphs"
    ))  # fmt: skip
    return CompilerLog(
        model=name,
        output=_after(part, "Output model"),
        version=version,
        on_chip_used=_size(part, "On-chip memory used for caching model parameters"),
        on_chip_left=_size(part, "On-chip memory remaining for caching model parameters"),
        off_chip=_size(part, "Off-chip memory used for streaming uncached model parameters"),
        subgraphs=subgraphs,
        operators=operators,
        rows=tuple(_rows(part)),
        problem=None,
    )


def _refused(name: str, version: str | None, text: str) -> CompilerLog:
    said = [
        line.strip()
        for line in text.splitlines()
        if line.strip()
        and not line.startswith(("Edge TPU Compiler", "Started a", "Invalid model", "Compilation"))
    ]
    return CompilerLog(
        name, None, version, None, None, None, None, None, (), "; ".join(said[:3]) or "no reason"
    )


def _rows(part: str) -> list[MappedRow]:
    _, _, table = part.partition("Operator ")
    matches = (_ROW.match(line.strip()) for line in table.splitlines())
    return [MappedRow(m["operator"], int(m["count"]), m["status"].strip()) for m in matches if m]


def _after(part: str, key: str) -> str | None:
    found = re.search(rf"(?m)^{re.escape(key)}: (.+)$", part)
    return None if found is None else found[1].strip()


def _number(part: str, key: str) -> int | None:
    value = _after(part, key)
    return int(value) if value is not None and value.isdigit() else None


def _size(part: str, key: str) -> int | None:
    found = re.fullmatch(r"([\d.]+)(B|KiB|MiB|GiB)", _after(part, key) or "")
    return None if found is None else round(float(found[1]) * _UNITS[found[2]])


def compile_all(folder: Path, models: Sequence[Converted]) -> dict[str, Any]:
    """Compile a bundle's models together where the compiler is on the path, else predict.

    Compiled together they share the chip's memory, so that neither is loaded anew at each turn.
    Files are written into `coral/` as NAME_edgetpu.tflite, their contracts beside them: the
    bundle's own level holds exactly the models that the camera loads.

    Args:
        folder: the bundle, which holds the models' files.
        models: age model and detector.

    Returns:
        For the report: the prediction for every model, and the compiler's logs or None.
    """
    predicted = {item.file_name: preflight(item.data, item.file_name) for item in models}
    used = sum(one.bytes_on_chip for one in predicted.values())
    return {
        "models": {name: {**asdict(one), "mapped": one.mapped} for name, one in predicted.items()},
        "bytes_on_chip": used,
        "budget": ON_CHIP_BYTES,
        "compiler": _compiled(folder, models) if shutil.which(COMPILER) else None,
    }


def _compiled(folder: Path, models: Sequence[Converted]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(dir=folder) as out:
        files = [str(folder / item.file_name) for item in models]
        done = _run([COMPILER, "-s", "-o", out, *files])
        logs = parse_log(done)
        made = [
            (item, log, Path(log.output).name, Path(out, Path(log.output).name).read_bytes())
            for item, log in zip(models, logs, strict=False)
            if log.problem is None and log.output is not None
        ]
    _write_compiled(folder / _FOLDER, made)
    return [{**asdict(log), "on_cpu": log.on_cpu} for log in logs]


def _write_compiled(
    folder: Path, made: Sequence[tuple[Converted, CompilerLog, str, bytes]]
) -> None:
    """Write compiled files by name, and their contracts beside them."""
    # The second file of a model of two names the first, which is another file compiled.
    digests = {item.contract.model_digest: model_digest(data, name) for item, _, name, data in made}
    for item, log, name, data in made:
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
        crop = item.contract.crop
        told = replace(item.contract, crop=replace(crop, of=digests.get(crop.of, crop.of)))
        contract = compiled_contract(told, data, log)
        (folder / name).with_suffix(".json").write_bytes(contract_bytes(contract))


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelFileError(
            f"{COMPILER} did not finish in {_SECONDS} s; compile the files by hand"
        ) from error
    return f"{done.stdout}\n{done.stderr}"


def compiled_contract(contract: Contract, compiled: bytes, log: CompilerLog) -> Contract:
    """Restate a contract for the file that the Edge TPU's compiler made.

    It goes beside the file: the compiler drops metadata that it does not know.

    Args:
        contract: of the file that was compiled.
        compiled: the compiled file.
        log: what the compiler said.

    Returns:
        The contract about the compiled file, `derived_from` naming the digest of the original.
    """
    provenance = {
        **contract.provenance,
        "derived_from": contract.model_digest,
        "edge_tpu": {"compiler": log.version, "on_cpu": log.on_cpu, "operators": log.operators},
    }
    where = f"{contract.name} compiled for the Edge TPU"
    return seal(replace(contract, provenance=provenance), model_digest(compiled, where))
