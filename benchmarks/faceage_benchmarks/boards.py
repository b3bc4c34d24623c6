"""What nobody has measured yet, and the command with which whoever has the board can."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faceage_benchmarks.grid import Grid

__all__ = ["BOARDS", "Board", "missing_boards", "missing_grid"]

_FLOAT = "age-mobilenet-coral/age-mobilenet-coral.float32.tflite"
_INT8 = "age-mobilenet-coral"
_KERAS = "models/age-mobilenet-coral/age-mobilenet-coral"


@dataclass(frozen=True)
class Board:
    """A machine of interest: its name, what is measured, how a file shows it, and the command."""

    name: str
    what: str
    kind: str
    mark: str
    command: str


def _age(name: str, mark: str, file: str) -> Board:
    command = f"faceage-benchmark latency --model age-mobilenet-coral --against {_FLOAT}"
    return Board(name, "age model, int8 and float", "latency", mark, f"{command} --json {file}")


def _camera(name: str, mark: str, file: str) -> Board:
    command = f"faceage-benchmark loop --source 0 --json {file}"
    return Board(name, "camera loop", "loop", mark, command)


BOARDS = (
    _age("Raspberry Pi 5", "Raspberry Pi 5", "pi5-age.json"),
    _camera("Raspberry Pi 5", "Raspberry Pi 5", "pi5-loop.json"),
    _age("Raspberry Pi 4", "Raspberry Pi 4", "pi4-age.json"),
    _camera("Raspberry Pi 4", "Raspberry Pi 4", "pi4-loop.json"),
    _age("Raspberry Pi Zero 2 W", "Raspberry Pi Zero 2", "zero2-age.json"),
    Board(
        "Coral USB Accelerator, Dev Board",
        "age model, int8 on the Edge TPU and on its host",
        "latency",
        "libedgetpu",
        "faceage-benchmark latency --model BUNDLE/coral/age-mobilenet-coral.int8_edgetpu.tflite "
        f"--delegate libedgetpu.so.1 --against {_INT8} --json coral-age.json",
    ),
    Board(
        "a GPU, float through Keras",
        "age model, float",
        "latency",
        "GPU",
        f"KERAS_BACKEND=torch faceage-benchmark latency --model {_KERAS}.keras "
        f"--contract {_KERAS}.float32.json --json gpu-age.json",
    ),
)


def missing_boards(results: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Board]:
    """Return the boards of which none of the results is."""
    return [board for board in BOARDS if not any(_is_of(board, result) for _, result in results)]


def missing_grid(boards: Sequence[Board]) -> Grid:
    """Return the boards as a table: each is not measured, and by which command it would be."""
    head = ["board", "what", "result", "command for whoever has it"]
    return [head, *([board.name, board.what, "not measured", board.command] for board in boards)]


def _is_of(board: Board, result: Mapping[str, Any]) -> bool:
    if result["kind"] != board.kind:
        return False
    devices = [result.get(key, {}).get("device") for key in ("model", "against")]
    return any(board.mark in str(name) for name in (result["machine"]["model"], *devices))
