"""A real LiteLLM proxy from PyPI, which makes its answers up itself, called by the vendors' libraries through capture.

It makes an environment of its own (some hundred megabytes), or takes the one that TOKENTILL_LITELLM_VENV names.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tokentill.capture import CaptureTransport
from tokentill.sources.reading import read_records
from tokentill.usage.record import UsageRecord

pytestmark = pytest.mark.campaign

START_SECONDS = 300
KEY = "sk-proxy-0123456789abcdefghijklmnop"
CONFIG = f"""
model_list:
  - model_name: gpt-5.4
    litellm_params: {{model: openai/gpt-4o, api_key: none, mock_response: "made up by LiteLLM"}}
  - model_name: claude-sonnet-4-6
    litellm_params: {{model: anthropic/claude-sonnet-4-5, api_key: none, mock_response: "made up by LiteLLM"}}
litellm_settings: {{telemetry: false}}
general_settings: {{master_key: {KEY}}}
"""
QUESTION: Any = [{"role": "user", "content": "hi"}]
ASKED: dict[str, Any] = {"model": "gpt-5.4", "messages": QUESTION, "user": "u1"}
WITH_USAGE: Any = {"include_usage": True}


@pytest.fixture(scope="module")
def executable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LiteLLM, in an environment of its own."""
    prepared = os.environ.get("TOKENTILL_LITELLM_VENV")
    home = Path(prepared) if prepared else tmp_path_factory.mktemp("litellm") / "venv"
    if not prepared:
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", "litellm[proxy]"], check=True)
    return home / "bin" / "litellm"


@pytest.fixture(scope="module")
def proxy(executable: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a proxy that is ready."""
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "config.yaml").write_text(CONFIG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [executable, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env = {**kept, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
    try:
        while not _is_ready(url):
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the proxy does not answer"
            time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url + "/health/liveliness", timeout=5).is_success
    except httpx.HTTPError:
        return False


class Recorded:
    """Clients of the proxy, and what their calls left in a spool."""

    def __init__(self, url: str, spool: Path) -> None:
        self.spool = spool
        self.transport = CaptureTransport(spool, transport=httpx.HTTPTransport())
        http = httpx.Client(transport=self.transport, timeout=60)
        self.openai = openai.OpenAI(api_key=KEY, base_url=url, http_client=http, max_retries=0)
        self.anthropic = anthropic.Anthropic(api_key=KEY, base_url=url, http_client=http, max_retries=0)

    @property
    def record(self) -> UsageRecord:
        """The only record."""
        assert (self.transport.records, self.transport.lost) == (1, 0)
        (only,) = read_records(self.spool)
        assert isinstance(only, UsageRecord)
        return only


@pytest.fixture
def recorded(proxy: str, tmp_path: Path) -> Recorded:
    """Clients whose calls go into a new spool."""
    return Recorded(proxy, tmp_path / "spool.jsonl")


def test_a_plain_answer_is_a_record_with_its_tokens_and_cost(recorded: Recorded) -> None:
    raw = recorded.openai.chat.completions.with_raw_response.create(**ASKED)
    answer, usage = raw.parse(), raw.parse().usage

    record = recorded.record
    assert usage is not None
    assert (record.source, record.user, record.record_id, record.model) == ("litellm", "u1", answer.id, answer.model)
    assert dict(record.quantities) == {"input": usage.prompt_tokens, "output": usage.completion_tokens}
    assert record.cost == Decimal(raw.headers["x-litellm-response-cost"]) > 0


def test_a_streamed_answer_is_a_record_with_its_tokens(recorded: Recorded) -> None:
    stream = recorded.openai.chat.completions.create(**ASKED, stream=True, stream_options=WITH_USAGE)
    chunks = list(stream)
    (usage,) = [chunk.usage for chunk in chunks if chunk.usage is not None]

    record = recorded.record
    assert (record.source, record.user, record.record_id) == ("litellm", "u1", chunks[0].id)
    assert dict(record.quantities) == {"input": usage.prompt_tokens, "output": usage.completion_tokens}


def test_a_stream_without_usage_is_missing(recorded: Recorded) -> None:
    chunks = list(recorded.openai.chat.completions.create(**ASKED, stream=True))

    has_usage = any(chunk.usage is not None for chunk in chunks)
    assert recorded.record.usage_state == ("reported" if has_usage else "missing")


def test_a_stream_that_is_closed_early_is_missing(recorded: Recorded) -> None:
    stream = recorded.openai.chat.completions.create(**ASKED, stream=True, stream_options=WITH_USAGE)
    next(stream)
    stream.close()

    assert (recorded.record.usage_state, recorded.record.user) == ("missing", "u1")


def test_a_message_is_a_record_with_its_tokens(recorded: Recorded) -> None:
    message = recorded.anthropic.messages.create(
        model="claude-sonnet-4-6", max_tokens=9, messages=QUESTION, metadata={"user_id": "u1"}
    )

    record = recorded.record
    assert (record.source, record.user, record.record_id) == ("litellm", "u1", message.id)
    assert dict(record.quantities) == {"input": message.usage.input_tokens, "output": message.usage.output_tokens}


def test_a_response_is_a_record_with_its_tokens(recorded: Recorded) -> None:
    response = recorded.openai.responses.create(model="gpt-5.4", input="hi", user="u1")

    assert response.usage is not None
    used = {"input": response.usage.input_tokens, "output": response.usage.output_tokens}
    assert dict(recorded.record.quantities) == used


def test_a_request_that_the_proxy_refuses_is_none(recorded: Recorded) -> None:
    with pytest.raises(openai.BadRequestError):
        recorded.openai.chat.completions.create(**{**ASKED, "model": "nothing-of-the-kind"})

    assert (recorded.transport.records, recorded.transport.refused, recorded.transport.lost) == (0, 1, 0)
