"""The firmware's throttle flags: each answer it gives, and what its bits mean."""

from pathlib import Path

import pytest

from faceage_edge.throttling import ask_firmware, flag_names, parse_flags, read_flags, since_start

FILE = "sys/devices/platform/soc/soc:firmware/get_throttled"
ANSWERS = [
    ("0", 0, "the kernel's file, in order"),
    ("50005\n", 0x50005, "the kernel's file"),
    ("throttled=0x50000\n", 0x50000, "what vcgencmd prints"),
    ("what", None, "an answer that is no number"),
    ("", None, "no answer"),
]


@pytest.mark.parametrize(("text", "flags", "note"), ANSWERS)
def test_answers(tmp_path: Path, text: str, flags: int | None, note: str) -> None:
    """Hexadecimal with or without what stands before it; anything else is no flags."""
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert parse_flags(text.strip()) == flags, note
    assert read_flags(tmp_path) == flags, note


def test_bits() -> None:
    """Four of them now, the same four sixteen places up since the start; others mean nothing."""
    names = ["under-voltage", "frequency capped", "throttled", "soft temperature limit"]
    assert [flag_names(1 << bit) for bit in range(4)] == [[name] for name in names]
    assert [flag_names(since_start(1 << bit)) for bit in range(16, 20)] == [[n] for n in names]
    assert flag_names(0xFFF0) == flag_names(since_start(0xFFFF)) == []


def test_without_a_firmware(tmp_path: Path) -> None:
    """Another machine's tree is all that is asked: this machine's vcgencmd knows nothing of it."""
    assert ask_firmware(tmp_path) is None
    assert read_flags(tmp_path) is None


@pytest.mark.parametrize(
    ("script", "flags"),
    [("echo throttled=0x50005", 0x50005), ("exit 1", None), ("exec sleep 5", None)],
)
def test_vcgencmd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, flags: int | None
) -> None:
    """Asked where the kernel shows no file; one that fails or does not end tells nothing."""
    program = tmp_path / "vcgencmd"
    program.write_text(f'#!/bin/sh\n[ "$1" = get_throttled ] || exit 2\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", {"vcgencmd": str(program)}.get)
    monkeypatch.setattr("faceage_edge.throttling._VCGENCMD_S", 0.5)
    monkeypatch.setattr("faceage_edge.throttling._FILE", "no/such/file")
    assert read_flags() == flags
