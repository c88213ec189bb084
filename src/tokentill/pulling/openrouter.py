"""OpenRouter: `GET /api/v1/generation?id=`, one request at a time.

It lists nothing, so what is asked for is given, or is what lacks its usage: the records of a stream that broke off,
which come again with their counts.
"""

from __future__ import annotations

from tokentill.errors import InvalidRecord
from tokentill.pulling.client import GatewayClient, GatewayRefused, MayPass
from tokentill.pulling.pages import object_of
from tokentill.sources.gateways import unwrapped
from tokentill.sources.strict_json import parse_object

URL = "https://openrouter.ai"
PATH = "/api/v1/generation"
FORMAT = "openrouter"
NOT_THERE = 404


def generation(client: GatewayClient, path: str, id_: str) -> bytes | None:
    """A generation as OpenRouter tells it; None where it knows of none."""

    def read(body: bytes) -> bytes:
        body = object_of(body)
        try:
            told = unwrapped(parse_object(body)).get("id")
        except InvalidRecord:
            return body  # what is wrong with it is said where it is read
        if told not in (None, id_):
            raise MayPass("it answered another generation")
        return body

    try:
        return client.get(path, {"id": id_}, read)
    except GatewayRefused as refused:
        if refused.status == NOT_THERE:
            return None
        raise
