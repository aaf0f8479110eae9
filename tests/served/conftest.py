"""The server of the tests, with the embedded model, and no key in the environment."""

import pytest
from protocol_server import running_server

import gptviz
from gptviz.served import client
from gptviz.served.model import KEY_VARIABLE


@pytest.fixture(scope="session")
def gpt():
    return gptviz.load()


@pytest.fixture(scope="session")
def running(gpt):
    with running_server(gpt) as server:
        yield server


@pytest.fixture
def server(running, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr(client, "PAUSE", 0.0)  # between tries
    running.start()
    yield running
    running.released.set()  # whatever still hangs ends
