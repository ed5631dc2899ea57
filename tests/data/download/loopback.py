"""A server on loopback that delivers one file, well or badly."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Delivery(BaseHTTPRequestHandler):
    """One request; `Server.faults` decide about the first ones, the others are answered well."""

    server: Server

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range"))
        answer = self.server.faults.pop(0) if self.server.faults else Delivery.deliver
        answer(self)

    def deliver(self, *, cut: int | None = None, ranges: bool = True, pause: float = 0) -> None:
        """Send the file; `cut` ends the connection after so many bytes."""
        content = self.server.content
        asked = self.headers.get("Range") if ranges else None
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if start >= len(content):
            return self.send_error(416)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send(content[start:], len(content) - start, cut=cut, pause=pause)

    def send(self, body: bytes, length: int, *, cut: int | None = None, pause: float = 0) -> None:
        self.send_header("Content-Length", str(length))
        self.end_headers()
        body = body[:cut]
        for place in range(0, len(body), self.server.packet):
            self.wfile.write(body[place : place + self.server.packet])
            time.sleep(pause or self.server.pause)

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, *_: object) -> None:
        pass


Fault = Callable[[Delivery], None]


class Server(ThreadingHTTPServer):
    """The server, what it delivers, and the `Range` of every request so far."""

    daemon_threads = True
    content = b""
    packet = 1 << 16
    pause = 0.0
    """Seconds after every packet."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Delivery)
        self.faults: list[Fault] = []
        self.ranges: list[str | None] = []

    def url(self, file: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{file}"


@contextmanager
def serve(content: bytes) -> Iterator[Server]:
    """Serve this content until the block ends."""
    with Server() as server:
        server.content = content
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def cut(after: int) -> Fault:
    """The connection ends after so many bytes."""
    return lambda request: request.deliver(cut=after)


def without_ranges(request: Delivery) -> None:
    """The whole file, whatever was asked for."""
    request.deliver(ranges=False)


def status(code: int) -> Fault:
    """This answer in place of the file."""
    return lambda request: request.send_error(code)


def other_range(request: Delivery) -> None:
    """Bytes that were not asked for."""
    request.send_response(206)
    request.send_header("Content-Range", f"bytes 0-9/{len(request.server.content)}")
    request.send(request.server.content[:10], 10)


def silence(request: Delivery) -> None:
    """Half of the file, then nothing, longer than any test waits."""
    size = len(request.server.content)
    request.send_response(200)
    request.send(request.server.content[: size // 2], size)
    request.wfile.flush()
    time.sleep(60)


def other_bytes(request: Delivery) -> None:
    """As many bytes, but others."""
    request.send_response(200)
    size = len(request.server.content)
    request.send(bytes(size), size)


def redirect(address: str) -> Fault:
    """The file is said to be elsewhere."""

    def answer(request: Delivery) -> None:
        request.send_response(302)
        request.send_header("Location", address)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def said_length(length: str) -> Fault:
    """The file, with this as its length."""

    def answer(request: Delivery) -> None:
        request.send_response(200)
        request.send_header("Content-Length", length)
        request.end_headers()
        request.wfile.write(request.server.content)

    return answer


def no_length(request: Delivery) -> None:
    """The file without its length."""
    request.send_response(200)
    request.end_headers()
    request.wfile.write(request.server.content)
