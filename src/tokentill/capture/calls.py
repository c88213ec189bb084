"""A call of a model: what its request says, and the one record that its answer becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from tokentill.capture.ids import IdMaker
from tokentill.capture.surfaces import LITELLM_MARK, Form, surface_of
from tokentill.errors import InvalidRecord, MissingUsage
from tokentill.sources.gateways.fields import amount
from tokentill.sources.responses.enveloped import SURFACES
from tokentill.usage.ids import check_ids
from tokentill.usage.record import RESPONSE_CACHE_TAG, Given, Status, UsageRecord

UNKNOWN_MODEL = "unknown"
"""Of a request that names its model neither in its body nor in the answer: nothing has a price for it."""
REQUEST_ID_HEADERS = ("x-litellm-call-id", "x-generation-id", "request-id", "x-request-id", "apim-request-id")
_NO_STREAMED_USAGE = 'the stream reports no usage; ask for it with stream_options={"include_usage": true}'
_COST, _CACHE_KEY = "x-litellm-response-cost", "x-litellm-cache-key"


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was sent.

    Args:
        form: in which form it is answered.
        host: where it was sent.
        content: its body; None where that was not at hand.
        own_ids: what the application calls the request in its headers. Some gateways repeat that, and an application
            may call several requests the same.
        occurred_at: when it was sent.
        user: who holds for a request that names nobody.
    """

    form: Form
    host: str
    content: bytes | None
    own_ids: frozenset[str]
    occurred_at: datetime
    user: str | None

    def said(self) -> tuple[str | None, str | None]:
        """The user and the model of the request, as far as it says them in a form that can be kept."""
        try:
            body = json.loads(self.content or b"null")
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            return self.user, None
        metadata = body.get("metadata")
        anthropic_user = metadata.get("user_id") if isinstance(metadata, dict) and self.form == "messages" else None
        return _kept(body.get("user")) or _kept(anthropic_user) or self.user, _kept(body.get("model"))


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What came of a call.

    Args:
        headers: those of the response; empty where there was none.
        said: what the answer said.
        fault: why that is not all of it, None when it is.
        status: how it ended.
        is_stream: whether the headers came before the answer was made.
    """

    headers: Mapping[str, str]
    said: Mapping[str, Any]
    fault: str | None
    status: Status
    is_stream: bool = False


def record_of(
    call: Call, outcome: CallOutcome, *, source: str | None, surface: str | None, ids: IdMaker
) -> tuple[UsageRecord, str | None]:
    """The record of a call, and why its usage is missing; None when it is there.

    Args:
        source: the source of the record; the surface's name unless given.
        surface: whose convention holds; found out unless given.

    Raises:
        InvalidRecord: when nothing can be made of it.
    """
    headers, said = outcome.headers, outcome.said
    surface = surface or surface_of(call.form, call.host, headers)
    user, model = call.said()
    is_replayed = _CACHE_KEY in headers
    known: dict[str, Any] = {
        "source": source or surface,
        "occurred_at": call.occurred_at,
        "user": user,
        "model": _kept(said.get("model", said.get("modelVersion"))) or model or UNKNOWN_MODEL,
        "record_id": (None if is_replayed else _kept(said.get("id", said.get("responseId"))))
        or next((id_ for id_ in _ids_in(headers) if id_ not in call.own_ids), None),
    }
    known["record_id"] = known["record_id"] or ids.make(known["source"], call.occurred_at)
    if is_replayed:
        known["tags"] = (RESPONSE_CACHE_TAG,)
    fault = outcome.fault
    if fault is None:
        try:
            traits = SURFACES[surface](said, cast(Given, known))
            traits["cost"] = traits["cost"] if (cost := _cost_in(outcome)) is None else cost
            return UsageRecord(**traits, status=outcome.status), None
        except MissingUsage:
            fault = _NO_STREAMED_USAGE if outcome.is_stream and call.form == "chat" else "the answer reports no usage"
        except InvalidRecord as error:
            fault = str(error)
    return UsageRecord(**known, quantities={}, usage_state="missing", status=outcome.status), fault


def reports_usage(said: Mapping[str, Any]) -> bool:
    """Whether an answer says anything of its usage."""
    return any(isinstance(said.get(name), dict) for name in ("usage", "usageMetadata"))


def own_ids_in(headers: Mapping[str, str]) -> frozenset[str]:
    """What the application calls a request in its headers."""
    return frozenset(_ids_in(headers))


def _ids_in(headers: Mapping[str, str]) -> Iterator[str]:
    for name in REQUEST_ID_HEADERS:
        if id_ := _kept(headers.get(name)):
            yield id_


def _cost_in(outcome: CallOutcome) -> Decimal | None:
    """What LiteLLM says that the request cost: in a header, or in the usage of a stream, whose header is too early."""
    if not any(name.lower().startswith(LITELLM_MARK) for name in outcome.headers):
        return None
    written = outcome.said.get("usage", {}).get("cost") if outcome.is_stream else outcome.headers.get(_COST)
    try:
        return None if written is None else amount("cost", Decimal(written))
    except (InvalidRecord, ArithmeticError, ValueError, TypeError):
        return None


def _kept(value: object) -> str | None:
    """A text that can be kept as an id; None for anything else."""
    try:
        check_ids({}, {"id": cast(str, value)})
    except InvalidRecord:
        return None
    return cast(str, value) or None
