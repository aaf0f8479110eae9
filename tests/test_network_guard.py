"""The network guard refuses what it is there to refuse."""

import socket
import urllib.request

import network_guard
import pytest


@pytest.mark.parametrize("host", ["192.0.2.7", "example.org", b"example.org", "2001:db8::1", "10.1.2.3"])
def test_other_machines_are_recognised(host):
    assert not network_guard.is_this_machine(host)


@pytest.mark.parametrize("host", [None, "", "localhost", "127.0.0.1", "127.8.9.10", "::1", "0.0.0.0"])
def test_this_machine_is_recognised(host):
    assert network_guard.is_this_machine(host)


def test_a_connection_is_refused_and_logged(tmp_path, monkeypatch):
    monkeypatch.setenv(network_guard.LOG_VARIABLE, str(tmp_path / "refused"))
    with pytest.raises(OSError, match="not this machine"):
        urllib.request.urlopen("http://example.org/", timeout=1)
    with socket.socket() as connection, pytest.raises(OSError, match="not this machine"):
        connection.connect(("192.0.2.7", 80))
    assert (tmp_path / "refused").read_text() == "example.org\n192.0.2.7\n"
