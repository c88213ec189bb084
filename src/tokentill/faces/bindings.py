"""Bindings of users, API keys and teams that somebody asks for, looked at before anything is stored."""

from __future__ import annotations

from datetime import datetime

from tokentill.errors import InvalidCall
from tokentill.faces.arguments import instant_of, optional, text_of
from tokentill.store.customers import KeyWanted
from tokentill.usage.ids import check_id

_FORM = (
    "a key is bound to a customer (API key, None, customer) or to a team (API key, team, None), and a team to a"
    " customer (None, team, customer), each with valid from, and source or None"
)


def binding_in(wanted: tuple[str, str, datetime, str | None]) -> tuple[str, str, datetime, str | None]:
    """A binding of a user that can be stored: (user, customer, valid from, source or None).

    Raises:
        InvalidCall: when it is none.
        InvalidRecord: when an id could not be kept unchanged.
    """
    try:
        user, customer, valid_from, source = wanted
    except (TypeError, ValueError):
        raise InvalidCall(f"a binding is (user, customer, valid from, source or None), not {wanted!r}") from None
    for name, value in (("user", text_of("user", user)), ("customer", text_of("customer", customer))):
        check_id(name, value)
    check_id("source", optional(text_of, "source", source))
    return user, customer, instant_of("valid_from", valid_from), source


def key_binding_in(wanted: KeyWanted) -> KeyWanted:
    """A binding of a key or a team that can be stored.

    Raises:
        InvalidCall: when it does not state two of key, team and customer.
        InvalidRecord: when an id could not be kept unchanged.
    """
    try:
        api_key, team, customer, valid_from, source = wanted
    except (TypeError, ValueError):
        raise InvalidCall(f"{_FORM}; not {wanted!r}") from None
    stated = {"api_key": api_key, "team": team, "customer": customer}
    for name, value in (*stated.items(), ("source", source)):
        check_id(name, optional(text_of, name, value))
    if sum(value is not None for value in stated.values()) != 2:
        raise InvalidCall(f"{_FORM}; not {wanted!r}")
    return api_key, team, customer, instant_of("valid_from", valid_from), source
