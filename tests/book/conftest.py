"""Fixtures of the book: its pages, a server for them, and what MAX computes for its pictures."""

import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from book import export
from tests.support.repository import ENVIRONMENT
from tutor.learner.workspace import REPOSITORY


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """A test's output is not the place for an access log."""


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A page that is closed while it loads breaks its connections; that is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture(scope="session")
def site(html: Path) -> Iterator[str]:
    """The address at which the built book is served."""
    handler = functools.partial(_Quiet, directory=str(html))
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built book. The test processes share it."""
    base = tmp_path_factory.getbasetemp()
    # Each process of a parallel run has a folder of its own inside the run's.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "book"
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "index.html").exists():
            build = [sys.executable, "-m", "book", "build", "--output", str(folder)]
            built = subprocess.run(build, cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, check=False)
            assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="session")
def from_max(compiled: None) -> dict:
    """What MAX computes for the pictures, now."""
    return export.compute()
