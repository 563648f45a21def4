"""A real HTTP server on this machine that answers as it is told to, well or badly."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[["Handler"], None]


@dataclass
class Server:
    """`acts` are played in turn, the last one for ever; what was asked is kept in `asked` and `headers`."""

    acts: list[Act]
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        with self.script.lock:
            act = self.script.acts[min(len(self.script.asked), len(self.script.acts) - 1)]
            self.script.asked.append(body)
            self.script.headers.append({k.lower(): v for k, v in self.headers.items()})
            self.script.paths.append(self.path)
        act(self)

    do_GET = do_PATCH = do_DELETE = do_POST

    def send(self, status: int, body: Any, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


@contextmanager
def serving(*acts: Act) -> Iterator[Server]:
    script = Server(list(acts))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"script": script}))
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status(code: int, body: Any = None, **headers: str) -> Act:
    return lambda h: h.send(code, {"error": {"message": f"status {code}"}} if body is None else body, **headers)


def raw(body: bytes, code: int = 200) -> Act:
    return lambda h: h.send(code, body)


def openai(text: str | None, **more: Any) -> Act:
    """A chat completion that says this."""
    message = {"role": "assistant", "content": text, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": more.pop("finish_reason", "stop")}
    usage = more.pop("usage", {"prompt_tokens": 11, "completion_tokens": 7})
    return lambda h: h.send(200, {"choices": [choice], "usage": usage, **more})


def anthropic(*blocks: dict[str, Any], stop: str = "end_turn") -> Act:
    """A message made of these blocks."""
    usage = {"input_tokens": 11, "output_tokens": 7}
    return lambda h: h.send(200, {"content": list(blocks), "stop_reason": stop, "usage": usage})


def stall(seconds: float) -> Act:
    """Say nothing for a while, then hang up."""

    def act(h: Handler) -> None:
        time.sleep(seconds)
        h.close_connection = True

    return act


def drip(seconds: float) -> Act:
    """A byte now and then, so that no single wait is long."""

    def act(h: Handler) -> None:
        h.send_response(200)
        h.send_header("content-length", "1000")
        h.end_headers()
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                h.wfile.write(b" ")
                h.wfile.flush()
                time.sleep(0.02)
        except OSError:  # the other side hung up, as it should
            pass
        h.close_connection = True

    return act


def cut(body: bytes, promised: int) -> Act:
    """Fewer bytes than were promised."""

    def act(h: Handler) -> None:
        h.send_response(200)
        h.send_header("content-length", str(promised))
        h.end_headers()
        h.wfile.write(body)
        h.close_connection = True

    return act


def chunked_and_cut(body: bytes) -> Act:
    """A stream that ends before its last chunk."""

    def act(h: Handler) -> None:
        h.send_response(200)
        h.send_header("transfer-encoding", "chunked")
        h.end_headers()
        h.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")
        h.close_connection = True

    return act
