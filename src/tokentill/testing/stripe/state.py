"""What the stand-in knows: customers, meters, events, identifiers, stored answers.

Everything known is an entry that is put once and never changed, or replaced under its id. Entries are written to the
state file, one line a request, before they are put in memory; a process that is killed starts again from the file.
The whole file would grow quadratically to write after each event, so it is appended to, and a line that was torn by
the kill is cut off on loading: its request was never answered.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, get_args

from tokentill.errors import IntegrityFault


def derived_id(prefix: str, *parts: object) -> str:
    """An id that is the same in every run: a prefix and 24 hex digits of the hash of its parts."""
    text = json.dumps([str(part) for part in parts])
    return f"{prefix}_{hashlib.sha256(text.encode()).hexdigest()[:24]}"


@dataclass(frozen=True, slots=True)
class StripeCustomer:
    """A customer of the account; what Stripe knows of it beyond these fields is not kept."""

    id: str
    created_at: int
    name: str | None = None
    email: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter; only its display name and its being active may change (Stripe docs: configure meters)."""

    id: str
    event_name: str
    display_name: str
    formula: str
    window: str | None
    customer_key: str
    value_key: str
    created_at: int
    updated_at: int
    deactivated_at: int | None = None

    @property
    def is_active(self) -> bool:
        """Whether events for this meter are taken."""
        return self.deactivated_at is None


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """An event that counts. `number` is the order of receipt, from 1; instants are unix seconds."""

    number: int
    meter_id: str
    customer_id: str
    identifier: str
    value: int
    stamped_at: int
    received_at: int


@dataclass(frozen=True, slots=True)
class SeenIdentifier:
    """An event identifier and when it was last received."""

    identifier: str
    received_at: int


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An event that was answered with 200 and dropped afterwards, with Stripe's code for the reason."""

    code: str
    message: str
    meter_id: str | None
    event_name: str
    identifier: str
    idempotency_key: str | None
    received_at: int


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer under an idempotency key, and the fingerprint of the request that it answered."""

    key: str
    fingerprint: str
    status: int
    body: str
    stored_at: int


@dataclass(frozen=True, slots=True)
class LateRequest:
    """A meter event under way that arrives when event `due_number` has been received."""

    id: int
    form: str
    idempotency_key: str | None
    due_number: int
    is_duplicate: bool
    is_delivered: bool = False


Entry = StripeCustomer | Meter | MeterEvent | SeenIdentifier | ErrorReport | StoredAnswer | LateRequest

_KINDS: dict[str, type[Entry]] = {kind.__name__: kind for kind in get_args(Entry)}


class State:
    """All entries, and the file that keeps them. The caller holds a lock around every method."""

    def __init__(self, path: Path | None = None) -> None:
        self.customers: dict[str, StripeCustomer] = {}
        self.meters: dict[str, Meter] = {}
        self.events: dict[tuple[str, str], list[MeterEvent]] = {}
        self.identifiers: dict[str, SeenIdentifier] = {}
        self.error_reports: list[ErrorReport] = []
        self.answers: dict[str, StoredAnswer] = {}
        self.late: dict[int, LateRequest] = {}
        self.event_count = 0
        self._file: IO[bytes] | None = None
        if path is not None:
            self._load(path)
            self._file = path.open("ab")

    def commit(self, entries: Sequence[Entry]) -> None:
        """Make the entries durable, all of them or none, and then known."""
        if not entries:
            return
        if self._file is not None:
            line = json.dumps([[type(entry).__name__, asdict(entry)] for entry in entries])
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        for entry in entries:
            self._put(entry)

    def close(self) -> None:
        """Close the state file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def has_customer(self, customer_id: str) -> bool:
        """Whether there is a customer of this id that was not deleted."""
        customer = self.customers.get(customer_id)
        return customer is not None and not customer.is_deleted

    def active_meter(self, event_name: str) -> Meter | None:
        """The one active meter of this event name."""
        return next((m for m in self.meters.values() if m.event_name == event_name and m.is_active), None)

    def latest_meter(self, event_name: str) -> Meter | None:
        """The active meter of this event name, otherwise the one made last."""
        named = [meter for meter in self.meters.values() if meter.event_name == event_name]
        return self.active_meter(event_name) or (named[-1] if named else None)

    def events_of(self, meter: Meter, customer_id: str) -> list[MeterEvent]:
        """All events that count for this customer on this meter, in the order of receipt."""
        return self.events.get((meter.id, customer_id), [])

    def late_requests(self) -> list[LateRequest]:
        """The requests that are still under way."""
        return [late for late in self.late.values() if not late.is_delivered]

    def late_requests_due(self) -> list[LateRequest]:
        """The requests under way whose time to arrive has come."""
        return [late for late in self.late_requests() if late.due_number <= self.event_count]

    def _put(self, entry: Entry) -> None:
        match entry:
            case StripeCustomer():
                self.customers[entry.id] = entry
            case Meter():
                self.meters[entry.id] = entry
            case MeterEvent():
                self.events.setdefault((entry.meter_id, entry.customer_id), []).append(entry)
                self.event_count = max(self.event_count, entry.number)
            case SeenIdentifier():
                self.identifiers[entry.identifier] = entry
            case ErrorReport():
                self.error_reports.append(entry)
            case StoredAnswer():
                self.answers[entry.key] = entry
            case LateRequest():
                self.late[entry.id] = entry

    def _load(self, path: Path) -> None:
        if not path.exists():
            return
        content = path.read_bytes()
        whole, _, torn = content.rpartition(b"\n")
        if torn:
            os.truncate(path, len(content) - len(torn))
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                for kind, fields in json.loads(line):
                    self._put(_KINDS[kind](**fields))
            except (ValueError, TypeError, KeyError) as error:
                raise IntegrityFault(
                    f"{path}:{number}: not a state file of the stand-in; delete it ({error})"
                ) from error
