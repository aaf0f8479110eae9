"""No connection beyond this machine, for the process that says so; what was refused is written down.

`refuse_network()` replaces two functions of `socket`, by which all that tests start connects: name look-ups and
connections. Addresses of this machine, sockets in the file system and listening are left alone.
"""

import ipaddress
import os
import socket
from typing import Any

LOG = "GPTVIZ_REFUSED"  # names the file to which a refused host is added

_connect, _getaddrinfo = socket.socket.connect, socket.getaddrinfo


def is_here(host: Any) -> bool:
    """Whether an address or name means this machine."""
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
    socket.socket.connect = _checked_connect  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = _checked_getaddrinfo  # type: ignore[assignment]


def _checked_connect(self: socket.socket, address: Any) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
        raise _refusal(address[0])
    return _connect(self, address)


def _checked_getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
    if not is_here(host):
        raise _refusal(host)
    return _getaddrinfo(host, *rest, **options)


def _refusal(host: Any) -> OSError:
    if log := os.environ.get(LOG):
        with open(log, "a") as file:
            file.write(f"{host}\n")
    return OSError(f"{host} lies beyond this machine, and tests stay on it")
