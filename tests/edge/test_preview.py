"""The browser preview: who may look, what is shown, and that looking holds nobody up."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from tests.edge.results import PICTURE, face, result

from faceage_edge.address import Address
from faceage_edge.errors import OutputError, UsageError
from faceage_edge.preview import Preview
from faceage_edge.result import FrameResult

ANY = Address("127.0.0.1", 0)
TOKEN = "abcdef0123456789"


@contextmanager
def shown(preview: Preview) -> Iterator[Preview]:
    """A preview with frames coming, 50 a second."""
    ended = threading.Event()

    def feed() -> None:
        number = 0
        while not ended.wait(0.02):
            preview.write(result(number, face()), PICTURE)
            number += 1

    feeder = threading.Thread(target=feed)
    with preview:
        feeder.start()
        try:
            yield preview
        finally:
            ended.set()
            feeder.join()


def get(preview: Preview, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", preview.address.port, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_the_page_has_a_picture_and_the_state() -> None:
    """Page, picture and state; none may be kept by the browser or put into a frame."""
    with shown(Preview(ANY, FrameResult.to_json, title="clip")) as preview:
        status, headers, body = get(preview, "/")
        assert (status, headers["Cache-Control"]) == (200, "no-store")
        assert b"<title>faceage preview</title>" in body
        # Self-contained: nothing is loaded from elsewhere.
        assert b"http" not in body.replace(b"http-equiv", b"")
        status, headers, body = get(preview, "/frame.jpg?after=0")
        assert (status, headers["Content-Type"]) == (200, "image/jpeg")
        picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == PICTURE.shape
        # A box and a label are drawn; the grey frame alone would have no spread.
        assert picture.std() > 5
        state = json.loads(get(preview, "/state.json")[2])
        assert state["faces"][0]["age"] == 34.0
        assert (state["source"], state["silent_s"] < 5, state["fps"] >= 0) == ("clip", True, True)
        assert get(preview, "/etc/passwd")[0] == 404


def test_a_stream_goes_on() -> None:
    """Viewers that know MJPEG get part after part, each complete."""
    with shown(Preview(ANY, FrameResult.to_json)) as preview:
        capture = cv2.VideoCapture(f"http://{preview.address}/stream.mjpg", cv2.CAP_FFMPEG)
        read = [capture.read()[0] for _ in range(3)]
        capture.release()
    assert read == [True] * 3


def test_nothing_is_drawn_while_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """And whoever comes later gets no picture from the time before."""
    monkeypatch.setattr("faceage_edge.preview._WATCHED_S", 0.2)
    with Preview(ANY, FrameResult.to_json) as preview:
        preview.write(result(0, face()), PICTURE)
        status, _, body = get(preview, "/frame.jpg?after=0")
        assert (status, body) == (204, b"")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "kiosk.example"])
def test_other_machines_need_a_token(host: str) -> None:
    """Without one the preview does not begin, and the message says how."""
    with pytest.raises(UsageError, match="--preview-token"):
        Preview(Address(host, 0), FrameResult.to_json)


@pytest.mark.parametrize("token", ["short", "has spaces in it", "semi;colon;long"])
def test_a_token_is_hard_to_guess_and_easy_to_type(token: str) -> None:
    """Letters and digits, eight at least."""
    with pytest.raises(UsageError, match="letters and digits"):
        Preview(ANY, FrameResult.to_json, token=token)


PATHS = ["/", "/frame.jpg", "/stream.mjpg", "/state.json"]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_is_shown(path: str) -> None:
    """No page, picture or state; with a wrong token neither."""
    with shown(Preview(ANY, FrameResult.to_json, token=TOKEN)) as preview:
        for query in ("", "?token=", "?token=abcdef0123456788"):
            status, headers, body = get(preview, path + query)
            assert (status, "Set-Cookie" in headers) == (403, False)
            assert TOKEN.encode() not in body


def test_the_token_opens_the_page_and_the_cookie_its_parts() -> None:
    """The page's parts need no token in their addresses."""
    with shown(Preview(ANY, FrameResult.to_json, token=TOKEN)) as preview:
        status, headers, _ = get(preview, f"/?token={TOKEN}")
        assert status == 200
        assert "HttpOnly; SameSite=Strict" in headers["Set-Cookie"]
        cookie = headers["Set-Cookie"].split(";")[0]
        assert get(preview, "/state.json", Cookie=cookie)[0] == 200
        assert get(preview, "/frame.jpg", Cookie=cookie)[0] in (200, 204)


def test_another_sites_name_for_this_machine_is_refused() -> None:
    """A page elsewhere cannot look by letting its own name point here (DNS rebinding)."""
    with shown(Preview(ANY, FrameResult.to_json)) as preview:
        assert get(preview, "/state.json", Host="evil.example:80")[0] == 403
        assert get(preview, "/state.json", Host="localhost")[0] == 200


def test_clients_that_read_nothing_do_not_slow_the_loop() -> None:
    """Twenty of them: every write stays quick and a new client is served."""
    preview = Preview(ANY, FrameResult.to_json)
    big = np.random.default_rng(0).integers(0, 256, (720, 960, 3), dtype=np.uint8)
    clients = []
    with preview:
        for _ in range(20):
            client = socket.create_connection(("127.0.0.1", preview.address.port))
            client.sendall(b"GET /stream.mjpg HTTP/1.0\r\nHost: localhost\r\n\r\n")
            clients.append(client)
        longest = 0.0
        for number in range(60):
            before = time.monotonic()
            preview.write(result(number, face()), big)
            longest = max(longest, time.monotonic() - before)
            time.sleep(0.01)
        assert get(preview, "/state.json")[0] == 200
        for client in clients:
            client.close()
    # A client that hangs would hold a blocking write for the ten seconds of its timeout.
    assert longest < 2


def test_too_many_clients_are_turned_away() -> None:
    """Threads are bounded."""
    before = threading.active_count()
    with Preview(ANY, FrameResult.to_json) as preview:
        clients = [socket.create_connection(("127.0.0.1", preview.address.port)) for _ in range(60)]
        time.sleep(0.3)
        assert threading.active_count() <= before + 2 + 24
        for client in clients:
            client.close()


def test_a_port_in_use_is_said() -> None:
    """One message that says which."""
    with Preview(ANY, FrameResult.to_json) as preview, pytest.raises(OutputError, match="listen"):
        Preview(preview.address, FrameResult.to_json)
