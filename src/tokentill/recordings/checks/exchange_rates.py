"""Whether exchange rates make sense together."""

from __future__ import annotations

from collections.abc import Iterator

from tokentill.errors import Finding
from tokentill.prices.fx import FxRate
from tokentill.recordings.located import Located
from tokentill.recordings.recording import Recordings
from tokentill.versions import precedence


def no_rate_of_a_day_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """At one time of recording a pair of currencies has one rate a day."""
    seen: dict[object, Located[FxRate]] = {}
    for rate in recordings.fx_rates:
        pair = (rate.value.from_currency, rate.value.to_currency)
        first = seen.setdefault((pair, precedence(rate.value)), rate)
        if first is not rate:
            day = rate.value.valid_from.date()
            message = f"the rate from {pair[0]} to {pair[1]} on {day} is given at {first.where} too"
            yield rate.finding((), message, "a correction is a new file with a later recorded_at")


CHECKS = (no_rate_of_a_day_is_stated_twice,)
