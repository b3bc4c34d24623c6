"""The installation legs find their commands in the pages; the legs themselves take many minutes."""

import pytest
from tests.lab.install import read_recipes

RELEASES = [
    ("bookworm", "device-bookworm.txt", "3.11", "numpy 1"),
    ("trixie", "device.txt", "3.13", "numpy 2"),
]


@pytest.mark.parametrize(("release", "pins", "python", "note"), RELEASES)
def test_a_release_has_its_own_commands(release: str, pins: str, python: str, note: str) -> None:
    """Its pins and its Python in each of the recipes, and no other's."""
    found = read_recipes(release)
    for text in (found.two_lines, found.on_host, found.on_device):
        assert f"constraints/{pins}" in text, note
    assert f"--python-version {python} " in found.on_host, note
    assert found.two_lines.startswith("sudo apt install -y python3-picamera2 ")
    assert "--no-index" in found.on_device
