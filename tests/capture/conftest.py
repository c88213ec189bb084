"""A vendor on loopback, and clients of the real SDKs whose calls are captured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.capture.vendor_server import VendorServer, vendor_server
from tokentill.capture import AsyncCaptureTransport, CaptureTransport
from tokentill.usage.record import UsageRecord

API_KEY = "sk-never-to-be-kept"


@pytest.fixture
def server() -> Iterator[VendorServer]:
    """A vendor that answers what it is told to."""
    with vendor_server() as started:
        yield started


@dataclass
class Captured:
    """Clients of a server, and the records of their calls."""

    server: VendorServer
    options: dict[str, Any] = field(default_factory=dict)
    records: list[UsageRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transport = CaptureTransport(self.records.append, **self.options)
        self.http = httpx.Client(transport=self.transport, base_url=self.server.url)

    def openai(self, **more: Any) -> openai.OpenAI:
        return openai.OpenAI(
            api_key=API_KEY, base_url=self.server.url + "/v1", http_client=self.http, **{"max_retries": 0, **more}
        )

    def anthropic(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(api_key=API_KEY, base_url=self.server.url, http_client=self.http, max_retries=0)

    def async_http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=AsyncCaptureTransport(self.records.append, **self.options))

    def async_openai(self, http: httpx.AsyncClient) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(api_key=API_KEY, base_url=self.server.url + "/v1", http_client=http, max_retries=0)

    def async_anthropic(self, http: httpx.AsyncClient) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(api_key=API_KEY, base_url=self.server.url, http_client=http, max_retries=0)

    @property
    def record(self) -> UsageRecord:
        """The one record that there is."""
        (only,) = self.records
        return only


@pytest.fixture
def captured(server: VendorServer) -> Iterator[Captured]:
    """Clients whose records go into a list."""
    made = Captured(server)
    yield made
    made.http.close()
