"""The browser preview: `faceage-camera --preview [HOST:]PORT`.

Live annotated frames and ages for whoever opens the page. Nothing is stored, here or in the
browser. Frames are drawn and encoded in a thread of their own, and only while someone looks.
"""

import hmac
import json
import threading
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2

from faceage_edge.address import Address
from faceage_edge.annotate import annotated
from faceage_edge.crop import shrink
from faceage_edge.errors import UsageError
from faceage_edge.frames import Picture
from faceage_edge.latest import Latest
from faceage_edge.local_http import LocalServer, Request
from faceage_edge.rate import Rate
from faceage_edge.result import FrameResult

__all__ = ["Preview"]

# Wide enough for a desktop window, small enough for a phone's network.
_WIDEST = 960
_QUALITY = 80
# Ten pictures a second look live; more would take the processor from the models.
_PAUSE_S = 0.1
_BOUNDARY = "faceage-frame"
# How long after a picture was asked for the next ones are still drawn, and waited for.
_WATCHED_S = 3.0
_COOKIE = "faceage-token"
# Short ones could be guessed by trying.
_SHORTEST_TOKEN = 8
_OWN_NAMES = ("localhost", "127.0.0.1", "::1")

_Shown = tuple[FrameResult, Picture]


class Preview:
    """A sink that shows: `/`, and what the page reads, `/frame.jpg` and `/state.json`.

    The page asks for a picture when it has shown the one before, so a slow network shows fewer of
    them and never old ones. `/stream.mjpg` has them as a stream, for other viewers.
    """

    def __init__(
        self,
        address: Address,
        document: Callable[[FrameResult], dict[str, Any]],
        *,
        token: str | None = None,
        title: str = "camera",
    ) -> None:
        """Bind the address.

        Args:
            address: where to listen.
            document: a result as the JSON lines have it.
            token: what a browser must name, as `?token=`; needed unless this machine alone can
                reach the address.
            title: the source in a few words.

        Raises:
            UsageError: another machine could look without a token, or the token is short.
            OutputError: the address cannot be had.
        """
        _check_token(address, token)
        self._token = token
        self._document = document
        self._title = title
        self._rate = Rate()
        self._state: dict[str, Any] = {}
        self._seen_s: float | None = None
        self._watched_until_s = 0.0
        self._fresh = threading.Condition()
        self._jpeg, self._number = b"", 0
        self._latest: Latest[_Shown] = Latest(self._draw, name="preview", pause_s=_PAUSE_S)
        self._server = LocalServer(address, self._answer, "--preview")

    @property
    def address(self) -> Address:
        """Where it listens, with the port that the system chose for port 0."""
        return self._server.address

    def write(self, result: FrameResult, picture: Picture) -> None:
        """Show a frame to those who look; without any it costs next to nothing."""
        now = time.monotonic()
        self._rate.add(now)
        self._seen_s = now
        self._state = self._document(result)
        if now < self._watched_until_s:
            self._latest.offer((result, picture))

    def _draw(self, shown: _Shown) -> None:
        result, picture = shown
        drawn = annotated(picture, result)
        height, width = drawn.shape[:2]
        if width > _WIDEST:
            drawn = shrink(drawn, _WIDEST, max(round(height * _WIDEST / width), 1))
        encoded, data = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if encoded:
            with self._fresh:
                self._jpeg, self._number = data.tobytes(), self._number + 1
                self._fresh.notify_all()

    def state(self) -> dict[str, Any]:
        """What the page shows beside the picture: the last result, the rate, and its freshness."""
        now = time.monotonic()
        silent_s = None if self._seen_s is None else round(now - self._seen_s, 1)
        return {
            **self._state,
            "source": self._title,
            "fps": round(self._rate.per_second(now), 1),
            "silent_s": silent_s,
        }

    def _answer(self, request: Request) -> None:
        url = urlsplit(request.path)
        if not self._may_look(request, url.query):
            request.send(_REFUSAL, "text/html; charset=utf-8", status=403)
        elif url.path == "/":
            self._page(request)
        elif url.path == "/state.json":
            request.send(json.dumps(self.state()).encode(), "application/json")
        elif url.path == "/frame.jpg":
            self._frame(request, url.query)
        elif url.path == "/stream.mjpg":
            self._stream(request)
        else:
            request.send(b"not found\n", "text/plain", status=404)

    def _page(self, request: Request) -> None:
        page = (files("faceage_edge") / "preview.html").read_bytes()
        policy = "default-src 'none'; img-src 'self' data: blob:; connect-src 'self'; "
        policy += "style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'"
        headers = {"Content-Security-Policy": policy}
        if self._token is not None:
            # Kept by the browser until it is closed, so that the page's parts need no token.
            cookie = f"{_COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            headers["Set-Cookie"] = cookie
        request.send(page, "text/html; charset=utf-8", headers=headers)

    def _next(self, after: int, wait_s: float) -> tuple[bytes, int]:
        """Wait for a picture with another number than `after`; the last one if none comes."""
        now = time.monotonic()
        with self._fresh:
            if now > self._watched_until_s:
                # Nobody looked for a while: what was drawn then is no longer live.
                after = self._number
            self._watched_until_s = now + _WATCHED_S
            self._fresh.wait_for(lambda: self._number != after, timeout=wait_s)
            return self._jpeg, self._number

    def _frame(self, request: Request, query: str) -> None:
        given = parse_qs(query).get("after", ["0"])[0]
        after = int(given) if given.isascii() and given.isdigit() else 0
        jpeg, number = self._next(after, _WATCHED_S)
        if number == after or not jpeg:
            request.send(b"", "text/plain", status=204)
        else:
            request.send(jpeg, "image/jpeg", headers={"X-Frame": str(number)})

    def _stream(self, request: Request) -> None:
        """Send the newest picture again and again; a slow client misses those between."""
        request.close_connection = True
        request.send_response(200)
        request.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        request.send_common()
        request.end_headers()
        # The boundary ends a part: sent with it, a viewer need not wait for the next one.
        boundary = f"--{_BOUNDARY}\r\n".encode()
        request.wfile.write(boundary)
        seen = 0
        while not self._server.stopping.is_set():
            jpeg, number = self._next(seen, 0.5)
            if number != seen:
                seen = number
                head = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
                request.wfile.write(head + jpeg + b"\r\n" + boundary)

    def _may_look(self, request: Request, query: str) -> bool:
        if self._token is None:
            # Another site's page may resolve its own name to this machine (DNS rebinding); the
            # browser then still says that name.
            host = urlsplit(f"//{request.headers.get('Host', '')}").hostname
            return host in _OWN_NAMES or host == self._server.address.host
        given = [*parse_qs(query).get("token", []), _cookie(request)]
        return any(hmac.compare_digest(each.encode(), self._token.encode()) for each in given)

    def remarks(self) -> list[str]:
        """What went wrong, if anything did."""
        return self._latest.remarks()

    def __enter__(self) -> "Preview":
        self._latest.start()
        self._server.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._server.stop()
        self._latest.stop()


_REFUSAL = (
    b"<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    b"<title>faceage</title><p>This preview is private. Open it with the token that it was started "
    b"with: <code>/?token=...</code>\n"
)


def _check_token(address: Address, token: str | None) -> None:
    if token is None:
        if not address.is_loopback:
            raise UsageError(
                f"--preview {address} shows the camera to everyone who reaches this machine; "
                "state what a browser must name with --preview-token, or listen on this machine "
                f"alone with --preview {address.port}"
            )
        return
    if len(token) < _SHORTEST_TOKEN or not (token.isascii() and token.isalnum()):
        raise UsageError(
            f"--preview-token must be at least {_SHORTEST_TOKEN} letters and digits; "
            "`openssl rand -hex 8` makes one"
        )


def _cookie(request: Request) -> str:
    try:
        found = SimpleCookie(request.headers.get("Cookie", "")).get(_COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value
