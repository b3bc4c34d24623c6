"""The preview's page in a headless Chromium, at the widths of a desk and of a phone."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.faults.running import Running
from tests.edge.headless_chromium import Browser, chromium
from tests.edge.results import PICTURE, face, result
from tests.edge.rtsp_camera import free_port

from faceage_edge.address import Address
from faceage_edge.preview import Preview
from faceage_edge.result import FrameResult

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="needs a chromium (apt install chromium)"),
]
Picture = npt.NDArray[np.uint8]
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
            preview.write(result(number, face(2, 61.4, ("female", 0.876)), face(1)), PICTURE)
            number += 1

    # What fails below does not keep it, and pytest, alive.
    feeder = threading.Thread(target=feed, daemon=True)
    with preview, Browser(program, tmp_path / "profile") as browser:
        feeder.start()
        for width, height, phone in ((1280, 844, False), (390, 844, True), (844, 390, True)):
            browser.size(width, height, phone=phone)
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
            assert listed[:5] == ["#1", "34", "28", "–", "41"]
            # Gender of the one of whom something is said.
            assert listed[5:] == ["#2", "61", "55", "–", "68", "female", "88", "%"]
            assert browser.evaluate("document.documentElement.scrollWidth") == width
            assert browser.evaluate("document.getElementById('picture').clientHeight") < height
            # The first age is seen without scrolling.
            place = "document.querySelector('#faces li').getBoundingClientRect().bottom"
            assert browser.evaluate(place) <= height
            # The token is not left in the address bar.
            assert browser.evaluate("location.search") == ""
        ended.set()
        feeder.join()
        browser.wait_for("document.getElementById('health').textContent.startsWith('no frame')")
        faded = "getComputedStyle(document.getElementById('picture')).opacity"
        assert float(browser.evaluate(faded)) < 0.5, "what is no longer live looks so"


def test_the_page_outlives_a_worker(
    tmp_path: Path, walking_face: list[Picture], write_clip: Callable[[list[Picture]], Path]
) -> None:
    """The program itself: its worker, which serves the page, dies, and the page goes on alone."""
    program = chromium()
    assert program is not None
    port = free_port()
    source = ("--source", write_clip(walking_face), "--rate", 10, "--min-face", 40)
    health = "document.getElementById('health').textContent"
    with (
        Running(*source, "--preview", port) as run,
        Browser(program, tmp_path / "profile") as browser,
    ):
        run.some()
        browser.size(390, 844, phone=True)
        browser.open(f"http://localhost:{port}/")
        browser.wait_for(f"{health} === 'live'")
        os.kill(run.workers()[0], signal.SIGKILL)
        browser.wait_for(f"{health} === 'live, begun anew once'")
        browser.wait_for("document.querySelectorAll('#faces li').length === 1")
        assert run.stop() == 0
        browser.wait_for(f"{health} === 'not reachable'")
