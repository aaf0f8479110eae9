"""Refuses connections beyond this machine in the process that calls `refuse_network()`, and logs what it refused.

It replaces the two functions of `socket` through which everything that tests start connects: name look-ups and
connections. Addresses of this machine, sockets in the file system and listening stay as they are.
"""

import ipaddress
import os
import socket
from typing import Any

FOLDER = os.path.dirname(__file__)
LOG_VARIABLE = "GPTVIZ_REFUSED"  # this environment variable names the file that each refused host is added to

_connect, _getaddrinfo = socket.socket.connect, socket.getaddrinfo


def is_this_machine(host: Any) -> bool:
    """Returns whether an address or a name means this machine."""
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_network() -> None:
    """Makes every later connection beyond this machine raise OSError."""
    socket.socket.connect = _checked_connect  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = _checked_getaddrinfo  # type: ignore[assignment]


def _checked_connect(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and not is_this_machine(address[0]):
        raise _refusal(address[0])
    return _connect(self, address)


def _checked_getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
    if not is_this_machine(host):
        raise _refusal(host)
    return _getaddrinfo(host, *rest, **options)


def _refusal(host: Any) -> OSError:
    if path := os.environ.get(LOG_VARIABLE):
        with open(path, "a") as log:
            log.write(f"{host}\n")
    return OSError(f"{host} is not this machine, and tests use no network")


def python_path(*folders: os.PathLike[str] | str) -> str:
    """Returns a PYTHONPATH for a subprocess: these folders, this module's, and what this process was given."""
    inherited = [path for path in [os.environ.get("PYTHONPATH")] if path]
    return os.pathsep.join([*map(str, folders), FOLDER, *inherited])
