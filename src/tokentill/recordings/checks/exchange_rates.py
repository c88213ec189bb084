"""Whether exchange rates make sense together."""

from __future__ import annotations

from collections.abc import Iterator

from tokentill.errors import Finding
from tokentill.recordings.positions import KeyPath
from tokentill.recordings.recording import Recordings


def no_rate_of_a_day_is_stated_twice(recordings: Recordings) -> Iterator[Finding]:
    """At one time of recording a pair of currencies has one rate a day, and it is between two currencies."""
    seen: dict[tuple[str, ...], str] = {}
    for recording in recordings.fx:
        for index, rate in enumerate(recording.content["rate"]):
            path: KeyPath = ("rate", index)
            if rate["from"] == rate["to"]:
                yield recording.file.finding(path, f"an exchange rate from {rate['from']} to itself", "remove it")
            key = (rate["from"], rate["to"], rate["date"], recording.content["recorded_at"])
            where = recording.file.finding(path, "").where
            first = seen.setdefault(key, where)
            if first != where:
                message = f"the rate from {key[0]} to {key[1]} on {key[2]} is given at {first} too"
                yield recording.file.finding(path, message, "a correction is a new file with a later recorded_at")
