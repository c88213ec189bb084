"""Ids of requests to which nobody gave one: no answer came, or it names none."""

from __future__ import annotations

import os
import platform
from datetime import datetime

from tokentill.canonical import content_hash
from tokentill.capture.locks import ForkedLock
from tokentill.clock import instant_text

ID_DIGITS = 32


class IdMaker:
    """Makes ids from where and when a request was sent, and its number in this process: nothing is random, and no two
    are the same. They know nothing of what the request says.
    """

    def __init__(self) -> None:
        self._lock = ForkedLock()
        self._made = 0

    def make(self, source: str, occurred_at: datetime) -> str:
        """An id that no other request has."""
        with self._lock:
            self._made += 1
            number = self._made
        place = [source, platform.node(), os.getpid(), instant_text(occurred_at), number]
        return f"capture-{content_hash(place).removeprefix('sha256:')[:ID_DIGITS]}"


PROCESS_IDS = IdMaker()
"""One for all transports of the process, so that numbers are not given twice."""
