"""The preview's page in a headless Chromium, at the widths of a desk and of a phone."""

import threading
from pathlib import Path

import pytest
from tests.edge.headless_chromium import Browser, chromium
from tests.edge.results import PICTURE, face, result

from faceage_edge.address import Address
from faceage_edge.preview import Preview
from faceage_edge.result import FrameResult

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="needs a chromium (apt install chromium)"),
]
TOKEN = "abcdef0123456789"


def test_the_page_shows_picture_ages_and_health(tmp_path: Path) -> None:
    """The picture moves, ages stand with their intervals, nothing is cut off, and a stop shows."""
    program = chromium()
    assert program is not None
    preview = Preview(Address("127.0.0.1", 0), FrameResult.to_json, token=TOKEN, title="the clip")
    ended = threading.Event()

    def feed() -> None:
        number = 0
        while not ended.wait(0.05):
            preview.write(result(number, face(2, 61.4), face(1)), PICTURE)
            number += 1

    feeder = threading.Thread(target=feed)
    with preview, Browser(program, tmp_path / "profile") as browser:
        feeder.start()
        for width, phone in ((1280, False), (390, True)):
            browser.size(width, 844, phone=phone)
            browser.open(f"http://{preview.address}/?token={TOKEN}")
            browser.wait_for("document.getElementById('picture').naturalWidth === 160")
            first = browser.wait_for("typeof shown === 'undefined' ? 0 : shown")
            browser.wait_for(f"shown > {first}")
            browser.wait_for("document.querySelectorAll('#faces li').length === 2")
            text = browser.evaluate("document.body.innerText")
            assert "live" in text
            assert "the clip" in text
            # Ordered by track, rounded to years.
            listed = browser.evaluate("document.getElementById('faces').innerText").split()
            assert listed == ["#1", "34", "28", "–", "41", "#2", "61", "55", "–", "68"]
            assert browser.evaluate("document.documentElement.scrollWidth") == width
            # The token is not left in the address bar.
            assert browser.evaluate("location.search") == ""
        ended.set()
        feeder.join()
        browser.wait_for("document.getElementById('health').textContent.startsWith('no frame')")
