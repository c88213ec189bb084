"""What travels: nested form parameters in, objects, lists and errors out.

The v1 API takes form-encoded parameters with nested names (`payload[value]=3`), and answers in JSON. Errors are an
object `error` with type, code, message and param (Stripe API: errors).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qsl

from stripe import RequestOptions

from tokentill.testing.stripe.state import Entry

NAME_DEPTH_MAX = 5
FIELDS_MAX = 1000
PAGE_DEFAULT, PAGE_MAX = 10, 100

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")

Params = dict[str, object]
Body = dict[str, object]


class ApiError(Exception):
    """An answer in Stripe's error shape.

    `is_stored` says whether it is kept under the idempotency key: Stripe keeps what an endpoint answered once it
    began to execute, and not what parameter checks, conflicts or rate limits answered.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        error_type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        is_stored: bool = False,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.is_stored = is_stored
        self.should_retry = should_retry
        fields = {"type": error_type, "code": code, "message": message, "param": param}
        self.body = json.dumps({"error": {name: value for name, value in fields.items() if value is not None}})


@dataclass(frozen=True, slots=True)
class StripeReply:
    """What an endpoint answers with 200, and the entries that make its effect."""

    body: Body
    entries: tuple[Entry, ...] = ()


def refuse_parameter(param: str, message: str, code: str = "parameter_invalid") -> NoReturn:
    """Refuse a request for one of its parameters.

    Raises:
        ApiError: always, status 400.
    """
    raise ApiError(400, message, code=code, param=param)


def missing_resource(kind: str, resource_id: str, param: str = "id", status: int = 404) -> ApiError:
    """The error for an id that is not there: 404 in a path, 400 in a parameter."""
    return ApiError(status, f"No such {kind}: '{resource_id}'", code="resource_missing", param=param)


def decode_form(encoded: bytes) -> Params:
    """Form-encoded parameters as nested mappings of text; `a[]=x` and `a[0]=x` become `{"a": {"0": "x"}}`.

    Raises:
        ApiError: when it is not UTF-8, not a form, nested too deeply, or one name is both text and a mapping.
    """
    if not encoded:
        return {}
    try:
        form = encoded.decode("utf-8")
        pairs = parse_qsl(form, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise ApiError(400, f"The request's parameters are not a form that can be read: {error}") from error
    params: Params = {}
    for name, value in pairs:
        _set(params, name, value)
    return params


def refuse_unknown(params: Mapping[str, object], params_type: type) -> None:
    """Refuse parameters that the SDK's type for this call does not have.

    Raises:
        ApiError: status 400, code `parameter_unknown`.
    """
    names = params_type.__annotations__.keys() - RequestOptions.__annotations__.keys()
    for name in params:
        if name not in names:
            refuse_parameter(name, f"Received unknown parameter: {name}", "parameter_unknown")


def text(params: Mapping[str, object], name: str, limit: int = 5000) -> str | None:
    """An optional text parameter; empty text is the same as none."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        refuse_parameter(name, f"Invalid string: {name} must be text")
    if len(value) > limit:
        refuse_parameter(name, f"Invalid string: {name} must be at most {limit} characters", "parameter_invalid_string")
    return value


def required_text(params: Mapping[str, object], name: str, limit: int = 5000) -> str:
    """A text parameter that must be there."""
    value = text(params, name, limit)
    if value is None:
        refuse_parameter(name, f"Missing required param: {name}.", "parameter_missing")
    return value


def choice(params: Mapping[str, object], name: str, choices: Sequence[str]) -> str | None:
    """An optional parameter out of a closed set."""
    value = text(params, name)
    if value is not None and value not in choices:
        refuse_parameter(name, f"Invalid {name}: must be one of {', '.join(choices)}")
    return value


def whole_number(params: Mapping[str, object], name: str) -> int | None:
    """An optional whole number."""
    value = text(params, name)
    if value is None:
        return None
    if not _WHOLE_NUMBER.fullmatch(value):
        refuse_parameter(name, f"Invalid integer: {value}", "parameter_invalid_integer")
    return int(value)


def text_mapping(params: Mapping[str, object], name: str) -> dict[str, str]:
    """A mapping of text to text, empty when it was not given."""
    value = params.get(name)
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        refuse_parameter(name, f"Invalid object: {name} must be a mapping")
    return {key: required_text(value, key) if value[key] else "" for key in value}


def page(items: Sequence[Body], params: Mapping[str, object], url: str) -> StripeReply:
    """One page of a list, with `has_more` for what follows it (Stripe API: pagination)."""
    limit = whole_number(params, "limit")
    if limit is not None and not 1 <= limit <= PAGE_MAX:
        refuse_parameter("limit", f"Invalid limit: must be between 1 and {PAGE_MAX}", "parameter_invalid_integer")
    size = limit or PAGE_DEFAULT
    after, before = text(params, "starting_after"), text(params, "ending_before")
    if after and before:
        refuse_parameter("ending_before", "You cannot give both starting_after and ending_before")
    ids = [item["id"] for item in items]
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and cursor not in ids:
            raise missing_resource("object", cursor, name, status=400)
    if before:
        earlier = items[: ids.index(before)]
        chosen, has_more = earlier[-size:], len(earlier) > size
    else:
        later = items[ids.index(after) + 1 :] if after else items
        chosen, has_more = later[:size], len(later) > size
    return StripeReply({"object": "list", "url": url, "has_more": has_more, "data": list(chosen)})


def _set(params: Params, name: str, value: str) -> None:
    parsed = _NAME.fullmatch(name)
    if parsed is None:
        refuse_parameter(name, f"Invalid parameter name: {name}")
    keys = [parsed[1], *re.findall(r"\[([^\[\]]*)\]", parsed[2])]
    if len(keys) > NAME_DEPTH_MAX:
        refuse_parameter(parsed[1], f"Invalid parameter name: nested deeper than {NAME_DEPTH_MAX}")
    place = params
    for key in keys[:-1]:
        inner = place.setdefault(key, {})
        if not isinstance(inner, dict):
            refuse_parameter(parsed[1], f"Invalid parameter: {name} is both text and a mapping")
        place = inner
    last = keys[-1] or str(len(place))
    if last in place:
        refuse_parameter(parsed[1], f"Invalid parameter: {name} is given twice")
    place[last] = value
