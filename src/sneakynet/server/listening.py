"""The server's door: a socket, and uvicorn behind it."""

import ipaddress
import socket

import uvicorn
from fastapi import FastAPI

from sneakynet.errors import SettingError


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there.

    Args:
        host: address or name.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name may lead anywhere
        return False


def listen(host: str, port: int) -> socket.socket:
    """Take a port, before any other work is done.

    Args:
        host: address or name.
        port: 0 takes a free one.

    Raises:
        SettingError: it cannot be had.
    """
    taken = None
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        taken = socket.socket(family, socket.SOCK_STREAM)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(128)  # those who come before uvicorn is up wait
    except (OSError, OverflowError) as error:
        if taken is not None:
            taken.close()
        reason = getattr(error, "strerror", None) or str(error)
        msg = f"cannot listen at {host}, port {port}: {reason}; give another --port or --host"
        raise SettingError(msg) from error
    return taken


def address_of(taken: socket.socket) -> str:
    """The address that a browser needs."""
    host, port = taken.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def serve(app: FastAPI, taken: socket.socket) -> None:
    """Answer requests until the process is told to stop (Ctrl-C, SIGTERM).

    Args:
        app: answers.
        taken: from `listen`.
    """
    # No access log: who looked at which scan is nobody's business. Downloads are given some seconds to end.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=5
    )
    uvicorn.Server(config).run(sockets=[taken])
