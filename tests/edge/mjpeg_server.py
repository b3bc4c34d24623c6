"""A network camera on loopback: JPEG pictures one after another in a multipart answer."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np

__all__ = ["MjpegCamera"]


class MjpegCamera:
    """Serves `frames` pictures to each client, then breaks off. Picture n is n grey levels bright.

    A context manager; `url` has a path that its clients must ask for. `port` 0 lets the system
    choose, another one brings a camera back where it was.
    """

    def __init__(self, frames: int, *, port: int = 0, pause_s: float = 0.002) -> None:
        self.clients = 0
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.clients += 1
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                try:
                    for number in range(frames):
                        if camera.ended.wait(pause_s):
                            return
                        self.wfile.write(_part(number))
                except OSError:
                    pass

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/video.mjpg"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> "MjpegCamera":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _part(number: int) -> bytes:
    picture = np.full((48, 64, 3), number % 256, np.uint8)
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"
