"""A real server in a thread, on a free port of this machine."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from remanence.opening import open_file


@contextmanager
def served(path: Path, *, embed: Any = "hashing", **how: Any) -> Iterator[str]:
    """The address of a server of the memory at `path`, opened like this."""
    import uvicorn

    from remanence.serve.app import make
    from remanence.serve.serving import Serving

    serving = Serving(path, lambda path: open_file(path, embed=embed, **how))
    server = uvicorn.Server(uvicorn.Config(make(serving), port=0, log_level="warning", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
