"""The guard that keeps the tests on this machine would stop what it is there to stop."""

import socket
import urllib.request

import only_here
import pytest


@pytest.mark.parametrize("host", ["192.0.2.7", "example.org", b"example.org", "2001:db8::1", "10.1.2.3"])
def test_what_is_elsewhere(host):
    assert not only_here.is_here(host)


@pytest.mark.parametrize("host", [None, "", "localhost", "127.0.0.1", "127.8.9.10", "::1", "0.0.0.0"])
def test_what_is_here(host):
    assert only_here.is_here(host)


def test_a_request_is_refused_and_written_down(tmp_path, monkeypatch):
    monkeypatch.setenv(only_here.LOG, str(tmp_path / "refused"))
    with pytest.raises(OSError, match="beyond this machine"):
        urllib.request.urlopen("http://example.org/", timeout=1)
    with socket.socket() as one, pytest.raises(OSError, match="beyond this machine"):
        one.connect(("192.0.2.7", 80))
    assert (tmp_path / "refused").read_text() == "example.org\n192.0.2.7\n"
