"""A small HTTP server in threads, for the preview page and for metrics.

Python's own: what is served is one page, one stream and a few lines of text, and a device then
needs no web framework. Clients are few and each is bounded: in number, and in how long a send may
take, so that one that stops reading costs one thread for some seconds.
"""

import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any

from faceage_edge.address import Address
from faceage_edge.errors import OutputError

__all__ = ["Answer", "LocalServer", "Request"]

# A page, its stream and its state for a handful of people at once.
_MOST_CLIENTS = 24
# A send or a header that takes longer than this is given up.
_PATIENCE_S = 10.0


class Request(BaseHTTPRequestHandler):
    """One request; `answer` of the server does the work."""

    timeout = _PATIENCE_S
    server: "LocalServer"

    def do_GET(self) -> None:
        """Answer a GET; what a client that went away raises is no news."""
        try:
            self.server.answer(self)
        except (BrokenPipeError, ConnectionError, TimeoutError):
            self.close_connection = True

    def send(
        self,
        body: bytes,
        kind: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Send a whole answer of this media type, with more headers."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_common()
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_common(self) -> None:
        """The headers of every answer: nothing is kept, framed or guessed."""
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Referrer-Policy", "no-referrer")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a line for every request would bury what matters on stderr."""

    def version_string(self) -> str:
        """The product, and no versions for those who look for old ones."""
        return "faceage"


Answer = Callable[[Request], None]


class LocalServer(ThreadingHTTPServer):
    """Listens from its making on, serves from `start` to `stop`."""

    daemon_threads = True
    # Threads of clients that hang are left behind, not waited for.
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 32

    def __init__(self, address: Address, answer: Answer, option: str) -> None:
        """Bind the address.

        Raises:
            OutputError: it is in use, not this machine's, or not allowed.
        """
        self.answer = answer
        self.stopping = threading.Event()
        self._places = threading.BoundedSemaphore(_MOST_CLIENTS)
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        try:
            super().__init__((address.host, address.port), Request)
        except OSError as error:
            raise OutputError(
                f"cannot listen on {address} for {option}: {error.strerror or error}; "
                "is another program there already? Choose another port"
            ) from error
        self.address = Address(address.host, int(self.server_address[1]))
        self._thread = threading.Thread(target=self._serve, name=option, daemon=True)

    def start(self) -> None:
        """Serve, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more clients; streams see `stopping`."""
        self.stopping.set()
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join(2.0)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the client a thread, or turn it away where all places are taken."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a client and free its place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that breaks off is not this program's error."""

    def _serve(self) -> None:
        self.serve_forever(poll_interval=0.2)
