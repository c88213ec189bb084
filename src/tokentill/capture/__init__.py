"""Usage records made where the calls are made: in the application's own process.

`CaptureTransport` and `AsyncCaptureTransport` stand between a vendor's SDK and the network (both are httpx transports),
read what a response says of its usage while its bytes pass by, and hand one canonical record a request to a sink. They
alter and delay nothing, keep neither prompts nor answers nor keys, and never fail the application's call. What a
request used and nobody reported is a record whose usage is missing. `Spool` is a sink that survives a crash.

The names are loaded when they are first asked for; the transports alone need httpx.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # each under a name of its own, which tells type checkers that it is public
    from tokentill.capture.spool import Spool as Spool
    from tokentill.capture.transports import AsyncCaptureTransport as AsyncCaptureTransport
    from tokentill.capture.transports import CaptureTransport as CaptureTransport
    from tokentill.capture.users import user as user

_HOMES = {
    "AsyncCaptureTransport": "transports",
    "CaptureTransport": "transports",
    "Spool": "spool",
    "user": "users",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tokentill.capture' has no attribute {name!r}")
    value = getattr(import_module(f"tokentill.capture.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
