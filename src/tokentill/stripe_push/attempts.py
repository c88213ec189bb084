"""One call to Stripe, made again while it fails for what may pass: the same for what is read and for what is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import stripe

TRIES = 6
WAITS_SECONDS = (0.25, 0.5, 1, 2, 4)
RETRY_AFTER_SECONDS_MAX = 60
DOWN_AFTER = 3
"""After so many calls in a row that were never answered, each further one is tried once until one is answered."""

MAY_PASS = (409, 429)

Returned = TypeVar("Returned")
Sleep = Callable[[float], None]


class Attempts:
    """Makes calls, each until it is answered: at most `TRIES` times, with growing waits between."""

    def __init__(self, sleep: Sleep = time.sleep) -> None:
        self._sleep = sleep
        self._unanswered_in_a_row = 0

    def make(self, call: Callable[[int], Returned]) -> Returned:
        """Make a call.

        Args:
            call: is given the number of the try, from 0. It may have an effect that nobody is told of, and be made
                again: it must do no harm then.

        Raises:
            stripe.StripeError: of the last try (see `may_pass`), or at once for an answer that would be the same again.
        """
        tries = 1 if self._unanswered_in_a_row >= DOWN_AFTER else TRIES
        number = 0
        while True:
            try:
                reply = call(number)
            except stripe.StripeError as error:
                number += 1
                if not may_pass(error):
                    self._unanswered_in_a_row = 0
                    raise
                if number == tries:
                    self._unanswered_in_a_row += 1
                    raise
                self._sleep(max(WAITS_SECONDS[number - 1], _retry_after_seconds(error)))
            else:
                self._unanswered_in_a_row = 0
                return reply


def may_pass(error: stripe.StripeError) -> bool:
    """Whether the same call may be answered otherwise later: no answer, a torn one, 409, 429, 5xx, or as Stripe says.

    Whatever Stripe says against it, a 500 is asked again: what it keeps under an idempotency key is not given under
    another one.
    """
    status = error.http_status
    if isinstance(error, stripe.APIConnectionError) or status is None or status < 400 or status >= 500:
        return True
    return status in MAY_PASS or _headers(error).get("stripe-should-retry") == "true"


def _retry_after_seconds(error: stripe.StripeError) -> int:
    said = _headers(error).get("retry-after", "")
    return min(int(said), RETRY_AFTER_SECONDS_MAX) if said.isascii() and said.isdigit() else 0


def _headers(error: stripe.StripeError) -> dict[str, str]:
    return {name.lower(): value for name, value in (error.headers or {}).items()}
