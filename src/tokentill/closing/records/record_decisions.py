"""What people decide about single records: which payload counts, what is billed at nothing, what is closed.

Each decision is one short transaction with an entry in the audit log. One that changes what counts takes a sequence
number as an import does; so what was computed before stays what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from tokentill.canonical import Content, ContentOfFields
from tokentill.clock import from_micros, instant_text
from tokentill.errors import InvalidCall, NotFound, Refused, ensure
from tokentill.recordings.load import Folder
from tokentill.store.audit import append_audit
from tokentill.store.customers import bindings, key_bindings
from tokentill.store.database import Database, hold_counter
from tokentill.store.intake.batches import Counts, store_batch_row, store_version
from tokentill.store.intake.request_rows import counted_of_request
from tokentill.store.intake.revisions import Decided, Decision, Revision, decide, stored_revisions
from tokentill.store.issued.documents import ends_period_at, numbers_covering
from tokentill.store.usage.usage_rows import source_id_of, versions_of
from tokentill.store.usage.usage_sums import keep_sums
from tokentill.store.usage.withdrawals import withdraw, withdrawal_of
from tokentill.usage.attribution import Attribution
from tokentill.usage.record import UsageRecord

REASON_LENGTH_MAX = 2000


@dataclass(frozen=True, slots=True)
class SignedReason:
    """Who decides, why and when."""

    by: str
    reason: str
    at: datetime

    def checked(self, deed: str) -> SignedReason:
        """The same, when there is a reason.

        Raises:
            InvalidCall: when there is none, or it is too long.
        """
        if not self.reason.strip():
            raise InvalidCall(f"{deed} needs a reason; add --reason TEXT")
        if len(self.reason) > REASON_LENGTH_MAX:
            raise InvalidCall(
                f"a reason may be {REASON_LENGTH_MAX} characters long, and this one is {len(self.reason)}"
            )
        return self


@dataclass(frozen=True, slots=True)
class Revisions(ContentOfFields):
    """Records that came again with another payload, in the order in which they came: `usage revisions list --json`."""

    revisions: tuple[Revision, ...]


@dataclass(frozen=True, slots=True)
class Revised:
    """What became of a revision. `stands_on` are issued documents that keep the version that it replaced."""

    revision: Revision
    stands_on: tuple[str, ...] = ()

    def content(self) -> Content:
        """What `usage revisions accept --json` prints."""
        return {**self.revision.content(), "stands_on": list(self.stands_on)}


@dataclass(frozen=True, slots=True)
class RecordDecision(ContentOfFields):
    """What somebody decided about one record, once and for all."""

    source: str
    record_id: str
    by: str
    reason: str
    at: datetime


class Waived(RecordDecision):
    """A record without usage that is billed at nothing, and who said so: what `usage waive --json` prints."""


class AcceptedEstimate(RecordDecision):
    """An estimate that is billed as it is, and who said so: what `usage accept --json` prints."""


def revisions_of(connection: Connection, source: str, record_id: str, digest: str | None = None) -> list[Revision]:
    """The revisions of a record, in the order in which they came.

    Args:
        digest: only the one whose digest begins so.

    Raises:
        NotFound: when there is none.
    """
    source_id = source_id_of(connection, source)
    stored = [] if source_id is None else stored_revisions(connection, identity=(source_id, record_id))
    chosen = [revision for revision in stored if digest is None or revision.digest.hex().startswith(digest.lower())]
    if not chosen:
        of = f" of which the digest begins with {digest}" if stored else ""
        raise NotFound(
            f"record {record_id!r} of source {source!r} has no revision{of}; `tokentill usage revisions list` shows all"
        )
    return chosen


def decide_revision(
    database: Database,
    folder: Folder,
    decision: Decision,
    source: str,
    record_id: str,
    digest: str | None,
    signed: SignedReason,
) -> Revised:
    """Accept or reject a revision. Deciding the same again changes nothing.

    Raises:
        NotFound: when there is no such revision.
        Refused: when it is not clear which one is meant, or it cannot be decided so.
    """
    signed = signed.checked("a decision on a revision")
    with database.write() as connection:
        hold_counter(connection, "batch")
        revision = _chosen(revisions_of(connection, source, record_id, digest), decision)
        if revision.state == decision:
            if decision == "accepted" and not revision.is_current:
                raise Refused(f"revision {_name(revision)} was accepted, and another one has replaced it since")
            return Revised(revision)
        if revision.state == "accepted":
            raise Refused(f"revision {_name(revision)} counts already; what counts is changed by another revision only")
        stands_on: list[str] = []
        content: Content = {"source": source, "record_id": record_id, "digest": revision.digest.hex()}
        if decision == "accepted":
            hold_counter(connection, "invoice")  # nothing is issued between the look and the new version
            stands_on = _stands_on(connection, folder, revision)
            content["seq"] = _replace(connection, revision, signed)
        decide(connection, revision, Decided(decision, signed.by, signed.reason, signed.at))
        append_audit(
            connection, f"revision.{decision}", {**content, "reason": signed.reason}, at=signed.at, actor=signed.by
        )
        (decided,) = revisions_of(connection, source, record_id, revision.digest.hex())
        return Revised(decided, tuple(stands_on))


def waive(database: Database, source: str, record_id: str, signed: SignedReason) -> Waived:
    """Bill nothing for a record that reports no usage, or an estimate. It stays on its customer's document as a count.

    Raises:
        NotFound: when there is no such record.
        Refused: when it reports usage, or its estimate was accepted.
    """
    return Waived(*_decide_once(database, "waiver", source, record_id, signed.checked("a waiver")))


def accept_estimate(database: Database, source: str, record_id: str, signed: SignedReason) -> AcceptedEstimate:
    """Let a record whose quantities are an estimate be billed as it is.

    Raises:
        NotFound: when there is no such record.
        Refused: when it is no estimate, or it was waived.
    """
    signed = signed.checked("an acceptance")
    return AcceptedEstimate(*_decide_once(database, "acceptance", source, record_id, signed))


Once = Literal["waiver", "acceptance"]
_DEEDS: dict[Once, tuple[str, str]] = {
    "waiver": ("usage.waived", "waived"),
    "acceptance": ("usage.accepted", "accepted"),
}
"""What the audit log calls a decision, and people do."""


def _decide_once(
    database: Database, cause: Once, source: str, record_id: str, signed: SignedReason
) -> tuple[str, str, str, str, datetime]:
    """Store a decision about a record, unless it was made before: of what, by whom, why and when."""
    other: Once = "acceptance" if cause == "waiver" else "waiver"
    with database.write() as connection:
        hold_counter(connection, "batch")
        source_id = source_id_of(connection, source)
        versions = {} if source_id is None else versions_of(connection, [(source_id, record_id)])
        if not versions:
            raise NotFound(f"there is no record {record_id!r} of source {source!r}")
        usage_id, record = next(iter(versions.values()))[-1]
        made = withdrawal_of(connection, usage_id, cause)
        if made is not None:
            return source, record_id, made.reviewer, made.reason, from_micros(made.recorded_at)
        named = f"record {record_id!r} of source {source!r}"
        if cause == "waiver" and record.reports_usage and record.series.usage_state != "estimated":
            raise Refused(f"{named} reports its usage; only one without usage, or with an estimate, can be waived")
        if cause == "acceptance" and (record.series.usage_state != "estimated" or not record.reports_usage):
            raise Refused(f"{named} is no estimate of what was used; only an estimate can be accepted")
        if (decided := withdrawal_of(connection, usage_id, other)) is not None:
            raise Refused(f"{named} was {_DEEDS[other][1]} by {decided.reviewer}: {decided.reason}")
        seq = store_batch_row(connection, Counts(), label=f"{cause} of {source} {record_id}", at=signed.at)
        withdraw(connection, usage_id, cause, seq, by=signed.by, reason=signed.reason, at=signed.at)
        keep_sums(connection, seq)
        content = {"source": source, "record_id": record_id, "seq": seq, "reason": signed.reason}
        append_audit(connection, _DEEDS[cause][0], content, at=signed.at, actor=signed.by)
        return source, record_id, signed.by, signed.reason, signed.at


def _chosen(revisions: Sequence[Revision], decision: Decision) -> Revision:
    """The revision that is meant: the only one, or the only open one, or the only one that was decided so."""
    still_open = [revision for revision in revisions if revision.state == "open"]
    decided_so = [revision for revision in revisions if revision.state == decision and not still_open]
    for candidates in (revisions, still_open, decided_so):
        if len(candidates) == 1:
            return candidates[0]
    digests = ", ".join(f"{revision.digest.hex()[:12]} ({revision.state})" for revision in revisions)
    raise Refused(
        f"record {revisions[0].record_id!r} of source {revisions[0].source!r} has {len(revisions)} revisions; say"
        f" which one is meant with --digest: {digests}"
    )


def _name(revision: Revision) -> str:
    return f"{revision.digest.hex()[:12]} of record {revision.record_id!r} of source {revision.source!r}"


def _replace(connection: Connection, revision: Revision, signed: SignedReason) -> int:
    """Store the payload as the version that counts from now on; returns its sequence number."""
    record = revision.record()
    ensure(record.digest == revision.digest, f"revision {_name(revision)} is not what its digest says")
    label = f"revision of {revision.source} {revision.record_id}"
    _refuse_other_request(connection, revision, record)
    version = revision.counted.version + 1
    seq = store_version(connection, record, version, revision.counted_id, label=label, at=signed.at)
    withdraw(connection, revision.counted_id, "revision", seq, by=signed.by, reason=signed.reason, at=signed.at)
    keep_sums(connection, seq)
    return seq


def _refuse_other_request(connection: Connection, revision: Revision, record: UsageRecord) -> None:
    """A revision takes the place of what its own record counts, and of nothing else."""
    counted = counted_of_request(connection, revision.identity[0], record)
    others = [row.record_id for row in counted if row.id != revision.counted_id and not row.is_retracted]
    if others or all(row.id != revision.counted_id for row in counted):
        instead = f"record {others[0]!r}" if others else "another record"
        raise Refused(
            f"revision {_name(revision)} tells of a request of which {instead} counts, so it would be billed twice;"
            " reject it, or take the other record back first: `tokentill usage retract --record SOURCE RECORD_ID`"
        )


def _stands_on(connection: Connection, folder: Folder, revision: Revision) -> list[str]:
    """The issued documents that a record stands on as it was.

    Raises:
        Refused: when the new version would stand on another one as well, so that the request would be billed twice.
    """
    old, new = revision.counted, revision.record()
    numbers = numbers_covering(connection, old.series.id, old.occurred_at, old.seq)
    if not numbers:
        return []
    rules = (*folder.contracts, *folder.attribution)
    attribution = Attribution(rules, bindings(connection), key_bindings(connection), folder.untrusted)

    def customer_of(record: Any, at: datetime) -> str | None:
        found: Any = attribution.attribute(
            source=record.source, user=record.user, api_key=record.api_key, at=at, tags=record.tags
        )
        owner: str | None = found.customer
        return owner

    customer = customer_of(new, new.occurred_at)
    is_there = numbers == numbers_covering(connection, old.series.id, new.occurred_at, old.seq)
    if is_there and customer == customer_of(old.series, old.occurred_at):  # if it moved, then not by its payload
        return numbers
    if customer is not None and ends_period_at(connection, customer, new.occurred_at):
        return numbers
    whose = "nobody" if customer is None else repr(customer)
    raise Refused(
        f"record {revision.record_id!r} of source {revision.source!r} stands on {numbers[0]}, and as revised it is of"
        f" {whose} on {instant_text(new.occurred_at)}, where nothing is issued yet: it would be billed twice. Make that"
        f" one void, accept the revision, and close both periods:"
        f" `tokentill invoices void {numbers[0]} --reason TEXT`"
    )
