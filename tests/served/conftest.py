"""The server of the tests, with the embedded model, and no key in the environment."""

import threading

import pytest
from protocol_server import ProtocolServer

import gptviz
from gptviz.served import client
from gptviz.served.model import KEY_VARIABLE


@pytest.fixture(scope="session")
def gpt():
    return gptviz.load()


@pytest.fixture(scope="session")
def running(gpt):
    with ProtocolServer(gpt) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()


@pytest.fixture
def server(running, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr(client, "PAUSE", 0.0)  # between tries
    running.start()
    yield running
    running.released.set()  # whatever still hangs ends
