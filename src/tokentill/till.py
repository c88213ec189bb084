"""The facade: what the command line does, a Python call does.

    from tokentill import Till

    till = Till.open("sqlite:///tokentill.db", "pricing")
    till.ingest_file("activity.jsonl")
    till.close("2026-10")

A `Till` holds a database, a folder of prices and contracts, and a clock. It keeps nothing else between two calls, so
many processes may use one database. What a call is given is looked at before anything is done, and what goes wrong is
told by the errors of `tokentill.errors`.

Calls import what only they need, so that a command begins as soon as its own part is there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, get_args

from sqlalchemy import Connection

from tokentill.canonical import Content, content_hash
from tokentill.clock import SYSTEM_CLOCK, Clock
from tokentill.contracts.review_policy import NO_POLICY, ReviewPolicy
from tokentill.errors import InvalidCall, InvalidFiles, NotFound, Refused
from tokentill.faces.arguments import (
    any_text,
    instant_of,
    listed,
    number_of,
    of_type,
    one_of,
    optional,
    path_of,
    reason_for,
    text_of,
    texts_of,
)
from tokentill.faces.pricing import Pricing
from tokentill.invoicing.limits import DEFAULT_LIMITS, ReviewLimits
from tokentill.invoicing.periods import Month
from tokentill.invoicing.tolerance import NO_TOTALS, TotalsPolicy
from tokentill.settings import GIVEN, keyed_privacy, privacy_in_force, read_settings
from tokentill.sources.source_settings import NO_SOURCES
from tokentill.store.audit import actor_here, append_audit, chain_head
from tokentill.store.database import Database
from tokentill.store.migrating import make_ready
from tokentill.usage.attribution import Binding
from tokentill.usage.bounds import DEFAULT_BOUNDS, Bounds
from tokentill.usage.ids import check_id
from tokentill.usage.keys import KeyBinding
from tokentill.usage.privacy import DEFAULT_PRIVACY, POLICIES, Privacy, PrivacyPolicy, Pseudonyms
from tokentill.usage.reporters import EXPORT, Reporting
from tokentill.usage.shell_words import command_line, shell_word

if TYPE_CHECKING:
    from tokentill.closing.close_report import CloseReport
    from tokentill.closing.closed import Closed
    from tokentill.closing.computation.late_usage import Late
    from tokentill.closing.computation.pins import Inputs
    from tokentill.closing.due_months import ClosedMonths, DueMonth, DueMonths
    from tokentill.closing.issuing import CloseProgress
    from tokentill.closing.questions.credit_account import CreditAccount
    from tokentill.closing.questions.explanation import Explanation
    from tokentill.closing.questions.near_duplicates import NearDuplicates
    from tokentill.closing.questions.trace import RequestTrace
    from tokentill.closing.questions.verify import Verification
    from tokentill.closing.questions.witnesses import Witnesses
    from tokentill.closing.records.control_totals import ControlTotals
    from tokentill.closing.records.erasing import Erased
    from tokentill.closing.records.ingest import Ingested, IngestProgress
    from tokentill.closing.records.missing_usage import Missing
    from tokentill.closing.records.quarantine_decisions import Lines, Retried
    from tokentill.closing.records.record_decisions import AcceptedEstimate, Revised, Revisions, SignedReason, Waived
    from tokentill.closing.records.retracting import Retracted, Retractions
    from tokentill.closing.records.staging import ImportShown
    from tokentill.closing.records.usage_summary import SummaryKey, UsageSummary
    from tokentill.closing.reviews.approval_policy import PolicyApprovals
    from tokentill.documents.views.export import InvoiceRows
    from tokentill.documents.views.journal import Journal
    from tokentill.documents.views.lists import CustomerList, ReviewList, ReviewShown
    from tokentill.documents.views.status import PeriodStatus
    from tokentill.faces.contracts import Contracts
    from tokentill.faces.database import DatabaseFace
    from tokentill.faces.prices import Prices
    from tokentill.invoicing.compared_sources import ComparedSources
    from tokentill.invoicing.completeness import Completeness
    from tokentill.invoicing.coverage import KeptBoundary, Periods
    from tokentill.invoicing.differences import DocumentDifferences
    from tokentill.invoicing.manual_lines import ManualLine, ManualLines
    from tokentill.invoicing.preview import OpenMonth, Preview, PricingUsed, Review, ReviewKind
    from tokentill.invoicing.simulation import Simulation
    from tokentill.pulling.probing import Probed
    from tokentill.pulling.pulling import Pulled, PullProgress
    from tokentill.receiving.usage_handler import UsageHandler
    from tokentill.recordings.load import Folder
    from tokentill.sources.reading import Reading
    from tokentill.sources.source_settings import SourceSettings
    from tokentill.store.customers import Customer, KeyWanted
    from tokentill.store.intake.control_totals import StoredTotal
    from tokentill.store.intake.imports import Imports, NumberedImport
    from tokentill.store.intake.quarantine import LineState, QuarantinedLine
    from tokentill.store.intake.revisions import RevisionState
    from tokentill.store.issued.invoices import IssuedInvoice
    from tokentill.stripe_push.gateway import StripeGateway
    from tokentill.stripe_push.pushing import Pushed, PushProgress
    from tokentill.stripe_push.reconciling import Reconciled
    from tokentill.usage.control_totals import Reported
    from tokentill.usage.filters import RecordFilter

_AnyBinding = TypeVar("_AnyBinding", Binding, KeyBinding)

IMPORTS_SHOWN = 3
PREVIEW = "preview"
CLOSED_MONTHS_LOOKED_AT = 3
"""Customers whose periods end at other times close the same month at other times; none is further behind."""


class Till(AbstractContextManager["Till"]):
    """One database with its price tables and contracts. Make it with `Till.open`.

    Args:
        store: the database.
        folder: its price tables and contracts, or where they lie.
        clock: tells what time it is.
        grace: how long a period stays open for late records after its end.
        bounds: between which instants usage is taken; what lies outside is quarantined.
        require_approval: whether every close refuses customers whose preview was not approved as it stands.
        limits: from where on a preview names a reported cost as far above its list amount.
        policy: what may be approved without a person, and what waits for one whatever else holds.
        totals: how far records may lie from control totals, and which sources demand totals before a close.
        sources: what is declared of the sources of usage, by name.
        precedence: by source its reporters, the one first whose word is billed.
        privacy: what becomes of user ids that may be personal data, by source.
    """

    def __init__(
        self,
        store: Database,
        folder: Folder | Pricing,
        *,
        clock: Clock,
        grace: timedelta,
        bounds: Bounds = DEFAULT_BOUNDS,
        require_approval: bool = False,
        limits: ReviewLimits = DEFAULT_LIMITS,
        policy: ReviewPolicy = NO_POLICY,
        totals: TotalsPolicy = NO_TOTALS,
        sources: Mapping[str, SourceSettings] = NO_SOURCES,
        precedence: Mapping[str, tuple[str, ...]] | None = None,
        privacy: Privacy = DEFAULT_PRIVACY,
    ) -> None:
        self._store = store
        self._is_ready = False
        self._pricing = folder if isinstance(folder, Pricing) else Pricing.of(folder)
        self.clock = clock
        self.grace = grace
        self.bounds = bounds
        self.require_approval = require_approval
        self.limits = limits
        self.policy = policy
        self.totals = totals
        self.sources = sources
        self.precedence = precedence or {}
        self.privacy = privacy

    @classmethod
    def open(
        cls,
        db: str | PathLike[str] | None = None,
        pricing: str | PathLike[str] | None = None,
        *,
        shipped_prices: bool | None = None,
        cache: str | PathLike[str] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        grace: timedelta | None = None,
        bounds: Bounds | None = None,
        limits: ReviewLimits | None = None,
    ) -> Till:
        """A till on a database and a folder of prices and contracts. Each is opened by the first call that needs it.

        That call raises `InvalidFiles`, with every mistake in the folder, or `DatabaseNotReady`, when the database has
        no tables, older ones or newer ones. Taking usage in makes a SQLite file that is not there; PostgreSQL, and a
        file of an older version, wait for `till.database.upgrade()`. `till.prices` and `till.contracts` need no
        database, and what needs no prices does not load them.

        What is None is as settings say: a variable of the environment, `tokentill.toml` in the current folder or above
        it, or a default (see `tokentill.settings`). So a call finds what a command would.

        Args:
            db: a URL, or the path of a SQLite file.
            pricing: a folder as `pricing/`, with list prices and contracts.
            shipped_prices: whether the shipped list prices lie beneath it; as `tokentill.toml` says, and yes if it says
                nothing.
            cache: a folder of kept results, so that a folder that is unchanged need not be checked again (see
                `PriceBook.load`).
            grace: how long a period stays open for late records after its end.
            bounds: between which instants usage is taken; what lies outside is quarantined.
            limits: from where on a preview names a reported cost as far above its list amount.

        Raises:
            InvalidCall: when the database's URL or path cannot be read, there is no such folder, or `tokentill.toml`
                has a mistake.
        """
        of_type("clock", clock, Clock)
        settings = read_settings(database=None if db is None else str(path_of("db", db)))
        grace = settings.grace if grace is None else grace
        if of_type("grace", grace, timedelta) < timedelta(0):
            raise InvalidCall(f"grace=... is negative ({grace}); a period stays open after its end, not before")
        return cls(
            Database.open(settings.database),
            Pricing(pricing, shipped_prices=shipped_prices, cache=cache),
            clock=clock,
            grace=grace,
            bounds=settings.bounds if bounds is None else of_type("bounds", bounds, Bounds),
            limits=settings.limits if limits is None else of_type("limits", limits, ReviewLimits),
            require_approval=settings.require_approval,
            policy=settings.policy,
            totals=settings.totals,
            sources=settings.sources,
            precedence=settings.precedence,
            privacy=settings.privacy,
        )

    @property
    def folder(self) -> Folder:
        """The price tables and contracts, as they were when they were first needed, and the sources that are untrusted.

        Raises:
            InvalidFiles: with every mistake.
        """
        from tokentill.sources.source_settings import untrusted_sources

        return replace(self._pricing.folder, untrusted=untrusted_sources(self.sources))

    @property
    def store(self) -> Database:
        """The database, ready to be used.

        Raises:
            InvalidCall: when there is no such SQLite file.
            DatabaseNotReady: when it has no tables, older ones or newer ones.
        """
        if not self._is_ready:
            path = self._store.sqlite_path
            if path is not None and not path.exists():
                raise InvalidCall(
                    f"there is no database {self._store.url_shown}; name another one with db=..., or let"
                    " `tokentill ingest FILE` make it (`tokentill init` makes a whole folder to bill from)"
                )
            make_ready(self._store)
            self._is_ready = True
        return self._store

    def make_database(self) -> None:
        """Make the SQLite file and its tables if they are not there, as taking usage in does.

        Raises:
            DatabaseNotReady: when it has older tables or newer ones; PostgreSQL also when it has none.
        """
        make_ready(self._store)
        self._is_ready = True

    @property
    def prices(self) -> Prices:
        """Check, look at, compare, import and release price tables."""
        from tokentill.faces.prices import Prices  # brings in what prints

        return Prices(self._pricing, clock=self.clock)

    @property
    def contracts(self) -> Contracts:
        """Check, look at, explain and compare contracts."""
        from tokentill.faces.contracts import Contracts  # likewise

        return Contracts(self._pricing, clock=self.clock, kept_boundaries=self._boundaries_if_any)

    @property
    def database(self) -> DatabaseFace:
        """Bring the database up to date, and check it."""
        from tokentill.faces.database import DatabaseFace  # likewise

        return DatabaseFace(self._store)

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def ingest(
        self,
        records: Iterable[Reported],
        *,
        name: str = "python",
        stage: str | None = None,
        reporter: str = EXPORT,
        progress: IngestProgress | None = None,
        privacy: PrivacyPolicy | None = None,
    ) -> Ingested:
        """Take usage records in, and control totals. Records that are there already are counted and change nothing.

        A record of an instant that is out of the till's bounds is quarantined; its line is its number among `records`.

        Args:
            stage: only keep them under this name to be looked at, and say what they would be (see `staged_imports`,
                `accept_import`, `drop_import`).
            reporter: who tells of the records, beside the source's own export. Of several who tell of one request, the
                one is billed whom the source puts first.
            privacy: what becomes of user ids; as settings say for each source unless given (see `usage.privacy`).

        Raises:
            InvalidCall: for anything that is no `UsageRecord`. Those before it may have been taken in. And when ids are
                to be hashed and the key is not set.
        """
        return self._ingest(_usage_records(records), text_of("name", name), progress, stage, reporter, privacy)

    def ingest_file(
        self,
        file: str | PathLike[str] | BinaryIO,
        *,
        name: str | None = None,
        source: str | None = None,
        format: str | None = None,  # noqa: A002
        stage: str | None = None,
        reporter: str = EXPORT,
        progress: IngestProgress | None = None,
        privacy: PrivacyPolicy | None = None,
    ) -> Ingested:
        """Take a file or binary stream of usage records in, or stage it (see `sources.reading.read_records`, `ingest`).

        Raises:
            Refused: when the file as a whole cannot be read as usage records.
        """
        from tokentill.sources.reading import read_records

        if not hasattr(file, "read"):
            path_of("file", file)
        reading = read_records(file, name=name, source=source, format=format)
        return self.ingest_reading(reading, stage=stage, reporter=reporter, progress=progress, privacy=privacy)

    def ingest_reading(
        self,
        reading: Reading,
        *,
        stage: str | None = None,
        reporter: str = EXPORT,
        progress: IngestProgress | None = None,
        privacy: PrivacyPolicy | None = None,
    ) -> Ingested:
        """Take in what a reading yields; for those who want to look at its position meanwhile."""
        from tokentill.sources.reading import Reading

        of_type("reading", reading, Reading)
        ingested = self._ingest(reading, reading.name, progress, stage, reporter, privacy)
        ingested.format, ingested.incomplete = reading.format, reading.incomplete
        return ingested

    def _ingest(
        self,
        records: Iterable[Any],
        name: str,
        progress: IngestProgress | None,
        stage_name: str | None,
        reporter: str,
        privacy: PrivacyPolicy | None,
    ) -> Ingested:
        from tokentill.closing.records.ingest import ingest

        staged_as = optional(text_of, "stage", stage_name)
        told = replace(self._reporting, reporter=text_of("reporter", reporter))
        chosen = optional(partial(one_of, allowed=POLICIES), "privacy", privacy)
        rules = privacy_in_force(self.privacy if chosen is None else self.privacy.all_under(chosen))
        self.make_database()
        how: dict[str, Any] = {"name": name, "clock": self.clock, "bounds": self.bounds, "privacy": rules}
        how |= {"progress": progress, "reporting": told, "sources": self.sources}
        if staged_as is not None:
            from tokentill.closing.records.record_decisions import SignedReason
            from tokentill.closing.records.staging import stage

            said = SignedReason(actor_here(), staged_as, self.clock.now())
            return stage(self.store, records, **how, said=said)
        return ingest(self.store, records, **how)

    def pull(
        self,
        source: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        user: str | None = None,
        ids: Sequence[str] = (),
        progress: PullProgress | None = None,
    ) -> Pulled:
        """Take in what a source's gateway has, as `[sources.NAME]` in `tokentill.toml` declares it.

        Args:
            source: its name there.
            since: from when; the checkpoint of the last pull, less the overlap, unless given.
            until: until before when; now unless given, and never later.
            user: only the requests of this user, with a checkpoint of its own.
            ids: single requests of a gateway that looks them up; those of the source without usage unless given.
            progress: is told how many records came so far, and of how many where that is known.

        Raises:
            InvalidCall: when settings or the call lack something, or contradict each other.
            NoAnswer, Refused: when the gateway did not answer, or not to be understood. What came before is stored,
                and the same call goes on from there.
        """
        from tokentill.pulling.pulls import PullAsked, pull_source  # brings in httpx

        asked = PullAsked(*_window(since, until), optional(text_of, "user", user), texts_of("ids", ids))
        declared = self._source(source)
        self.make_database()
        return pull_source(
            self.store,
            self.sources,
            declared,
            asked,
            environment=os.environ,
            clock=self.clock,
            bounds=self.bounds,
            progress=progress or (lambda _done, _all: None),
            reporting=self._reporting,
        )

    def probe(
        self,
        source: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        user: str | None = None,
        ids: Sequence[str] = (),
    ) -> Probed:
        """Look at what a source's gateway answers: the keys of its records, and what each is taken for.

        Stores nothing, needs no database, and takes the last day unless a window is given (see `pull`).

        Raises:
            InvalidCall, NoAnswer, Refused: as `pull` does.
        """
        from tokentill.pulling.probing import probe_source
        from tokentill.pulling.pulls import PullAsked, client_of

        asked = PullAsked(*_window(since, until), optional(text_of, "user", user), texts_of("ids", ids))
        declared = self._source(source)
        with client_of(declared, os.environ, self.clock) as client:
            return probe_source(declared, client, asked, self.clock)

    def usage_handler(self, token: str) -> UsageHandler:
        """What answers `POST /v1/usage` for a server: callers with this token send records, and learn what became of
        each.

        Raises:
            InvalidCall: for a token that could be guessed.
        """
        from tokentill.receiving.usage_handler import UsageHandler

        self.make_database()
        token = text_of("token", token)
        how: dict[str, Any] = {"clock": self.clock, "bounds": self.bounds, "sources": self.sources}
        return UsageHandler(self.store, token, **how, reporting=self._reporting)

    def _source(self, name: str) -> SourceSettings:
        """What is declared of a source."""
        if text_of("source", name) not in self.sources:
            known = ", ".join(sorted(self.sources)) or "none"
            raise InvalidCall(
                f"tokentill.toml declares no source {name!a} ({known}); add [sources.{name}] with its kind and url"
            )
        return self.sources[name]

    @property
    def _reporting(self) -> Reporting:
        return Reporting(precedence=self.precedence)

    def preview(self, period: str, customer: str | None = None, *, with_staged: str | int | None = None) -> Preview:
        """What a period would come to if it were closed now, for all customers or for one.

        Of approvals that are stale it says what moved since.

        Args:
            with_staged: also count what was staged under this name, or as the import of this number. Nobody can take
                records in meanwhile.

        Raises:
            NotFound: when the customer has no usage in the period, or nothing of that name or number was staged.
            Refused: when it is not staged any more.
        """
        from tokentill.closing.pricing_use import remember_preview
        from tokentill.closing.reviews.review_changes import with_changes

        month, customer = _month(period), optional(text_of, "customer", customer)
        if with_staged is not None:
            from tokentill.closing.records.staging import with_imports

            numbers = self.staged_imports(with_staged)
            within = with_imports(self.store, numbers, self.clock, self._reporting)
            return replace(self._preview(month, customer, within)[0], with_staged=numbers)
        preview, inputs, is_new = self._preview(month, customer)
        with self.store.read() as connection:
            preview = with_changes(connection, preview)
        if is_new and preview.pricing is not None and not preview.pricing.lost:
            with suppress(Refused), self.store.write() as connection:  # of a database that can only be read
                remember_preview(connection, inputs, preview.pricing, preview.made_at)
        return preview

    def _preview(
        self, month: Month, customer: str | None, within: AbstractContextManager[Connection] | None = None
    ) -> tuple[Preview, Inputs, bool]:
        """The same, with its inputs, and whether the contracts are others than those that were used last."""
        from tokentill.closing.computation.compute import compute_preview
        from tokentill.closing.pricing_use import is_news

        folder = self.folder
        with within or self.store.read() as connection:
            inputs, seq = _newest_inputs(connection, folder)
            pins, now = inputs.pins(seq), self.clock.now()
            books = self._pricing.books(inputs, pins)
            preview = compute_preview(
                connection,
                month,
                inputs,
                books,
                pins,
                now=now,
                grace=self.grace,
                only=customer,
                limits=self.limits,
                require_approval=self.require_approval,
                policy=self.policy,
                totals=self.totals,
            )
            used = self._used(connection, inputs, pins)
            is_new = not used.is_shipped and is_news(connection, used)
        if customer is not None and not preview.customers:
            raise NotFound(f"{customer!r} has no usage in {month}; `tokentill preview {month}` lists who has")
        return replace(preview, pricing=used), inputs, is_new

    def _used(self, connection: Connection, inputs: Inputs, pins: Content) -> PricingUsed:
        """Which folder the inputs are of, with what it lost since the database was used last."""
        from tokentill.closing.pricing_use import lost_since

        used = self._pricing.used(pins)
        return replace(used, lost=lost_since(connection, inputs, used))

    def _used_now(self, command: Callable[..., str], *, is_accepted: bool) -> tuple[Inputs, PricingUsed]:
        """What a review or a close uses now.

        Raises:
            Refused: when contracts are gone that the database was used with, and nobody said that it was meant.
            InvalidCall: when that is said of a folder that was not named.
        """
        from tokentill.closing.pricing_use import refuse_lost

        if is_accepted and self._pricing.found_by != GIVEN:
            raise InvalidCall("accept_pricing_change=... goes with pricing=...; name the folder that is meant")
        folder = self.folder
        with self.store.read() as connection:
            inputs, seq = _newest_inputs(connection, folder)
            used = self._used(connection, inputs, inputs.pins(seq))
        if not is_accepted:
            refuse_lost(used.lost, used, command)
        return inputs, replace(used, lost=())

    def simulate(self, period: str, pricing: Folder | str | PathLike[str], customer: str | None = None) -> Simulation:
        """What a past or running period would come to under another folder of prices and contracts, against what was
        issued or would be (see `closing.questions.simulate`). Nothing is stored.

        Args:
            pricing: the other folder, as `pricing/`, or where it lies.
            customer: only this one, with the differences of its lines.

        Raises:
            InvalidFiles: with every mistake in a folder.
            NotFound: when the customer has no invoice of the period on either side.
        """
        from tokentill.closing.questions.simulate import simulate_period, simulation_of, under_folder
        from tokentill.recordings.load import Folder

        month, customer = _month(period), optional(text_of, "customer", customer)
        if isinstance(pricing, Folder):
            other = Pricing.of(pricing)
        else:
            other = self._pricing.beside(str(path_of("pricing", pricing)))
        own_folder, folder = self.folder, other.folder
        with self.store.read() as connection:
            inputs, seq = _newest_inputs(connection, own_folder)
            sides, documents = simulate_period(connection, month, inputs, seq, folder, only=customer)
            before = self._used(connection, inputs, inputs.pins(seq))
        after = other.used(under_folder(inputs, folder).pins(seq))
        simulation = simulation_of(month, sides, documents, before, after, only=customer)
        if customer is not None and not (simulation.customers or documents):
            raise NotFound(f"{customer!r} has no usage in {month}; `tokentill preview {month}` lists who has")
        return simulation

    def write_review_pages(self, period: str, folder: str | PathLike[str]) -> Sequence[Path]:
        """Write the review pages of a period as self-contained HTML; returns the paths, the index first."""
        from tokentill.documents.review_pages import write_review_pages  # brings in the templates

        return write_review_pages(self.preview(period), Path(path_of("folder", folder)))

    def review(
        self,
        period: str,
        customer: str,
        kind: ReviewKind,
        *,
        by: str | None = None,
        note: str = "",
        seen_hash: str | None = None,
        accept_pricing_change: bool = False,
    ) -> Review:
        """Approve or hold a customer's preview, or release a hold (see `closing.reviews.review.make_review`).

        Args:
            note: a remark, or why it is held.
            seen_hash: the content hash that the reviewer looked at, or a beginning of it.
            accept_pricing_change: go on although contracts are gone that the database was used with last.

        Raises:
            NotFound: when the customer has no usage in the period.
            Refused: when the preview has changed since the reviewer saw it, or cannot be reviewed so; or when contracts
                are gone.
            InvalidCall: for a hold without a reason.
        """
        from tokentill.invoicing.preview import ReviewKind

        kind = one_of("kind", kind, get_args(ReviewKind))
        by, seen_hash = optional(any_text, "by", by), optional(any_text, "seen_hash", seen_hash)
        if kind == "held":
            reason_for("a hold", note)
        seen = {text_of("customer", customer): seen_hash}
        (made,) = self._reviewed(_month(period), kind, seen, by, any_text("note", note), accept_pricing_change)
        return made

    def approve(
        self,
        preview: Preview,
        customers: Sequence[str],
        *,
        by: str | None = None,
        note: str = "",
        accept_pricing_change: bool = False,
    ) -> list[Review]:
        """Approve customers as they stand on a preview that the reviewer looked at: all of them, or nobody.

        Args:
            note, accept_pricing_change: as with `review`.

        Raises:
            NotFound: when one of them has no usage in the period.
            Refused: when one of them has changed since, or cannot be approved; or when contracts are gone.
        """
        from tokentill.invoicing.preview import Preview

        looked_at = {
            previewed.invoice.customer: previewed.invoice.content_hash
            for previewed in of_type("preview", preview, Preview).customers
        }
        seen = {customer: looked_at.get(customer) for customer in texts_of("customers", customers)}
        by, note = optional(any_text, "by", by), any_text("note", note)
        return self._reviewed(preview.month, "approved", seen, by, note, accept_pricing_change)

    def approve_within(
        self, period: str, *, by: str | None = None, note: str = "", accept_pricing_change: bool = False
    ) -> PolicyApprovals:
        """Approve what the declared policy approves, and say of the rest why it waits for a person.

        The policy is `approve_within` of settings or of a contract (see `invoicing.review_policy`).

        Args:
            by: who runs it; each approval names the policy with its hash, and them.
            note, accept_pricing_change: as with `review`.
        """
        from tokentill.closing.reviews.approval_policy import approvals_by_policy
        from tokentill.closing.reviews.review import store_reviews
        from tokentill.store.recordings import keep_recordings

        month, note, given = _month(period), any_text("note", note), optional(any_text, "by", by)
        stated = (("--by", given), ("--note", note))
        options = [f"{option} {shell_word(value)}" for option, value in stated if value]
        command = partial(command_line, "review approve", str(month), "--all-within", *options)
        _, used = self._used_now(command, is_accepted=accept_pricing_change)
        preview, inputs, _ = self._preview(month, None)
        made = approvals_by_policy(preview, self.policy, by=given or actor_here(), note=note, at=self.clock.now())
        if made.approved:
            named = {review.policy_hash for review in made.approved}
            policies = [self.policy.content_for(invoice.terms) for invoice in preview.invoices]
            kept = {hash_: policy for policy in policies if (hash_ := content_hash(policy)) in named}
            with self.store.write() as connection:
                keep_recordings(connection, kept.values(), self.clock.now())
                store_reviews(connection, made.approved, inputs, used)
        return made

    def _reviewed(
        self,
        month: Month,
        kind: ReviewKind,
        seen: Mapping[str, str | None],
        by: str | None,
        note: str,
        accept_pricing_change: bool,
    ) -> list[Review]:
        """Reviews of customers, each with the hash that was looked at; stored together."""
        from tokentill.closing.reviews.review import make_review, store_reviews

        verb = {"approved": "approve", "held": "hold", "released": "release"}[kind]
        seen_hash = next(iter(seen.values())) if len(seen) == 1 else None
        stated = (("--hash", seen_hash), ("--by", by), ("--reason" if kind == "held" else "--note", note))
        options = [f"{option} {shell_word(value)}" for option, value in stated if value]
        command = partial(command_line, "review", verb, str(month), *options, ids=tuple(seen))
        _, used = self._used_now(command, is_accepted=accept_pricing_change)
        preview, inputs, _ = self._preview(month, next(iter(seen)) if len(seen) == 1 else None)
        by, at = by or actor_here(), self.clock.now()
        made = [
            make_review(preview, customer, kind, by=by, note=note, seen_hash=seen_hash, at=at)
            for customer, seen_hash in seen.items()
        ]
        with self.store.write() as connection:
            store_reviews(connection, made, inputs, used)
        return made

    def add_line(
        self,
        period: str,
        customer: str,
        *,
        amount: str,
        description: str,
        reason: str,
        may_be_negative: bool = False,
        by: str | None = None,
    ) -> ManualLine:
        """Add a line to a customer's invoice of a period (see `closing.reviews.manual_lines.add_manual_line`).

        Args:
            amount: in major units of the invoice's currency, as a decimal text; negative takes away.
            may_be_negative: whether it may make the subtotal negative.
        """
        from tokentill.closing.reviews.manual_lines import WantedLine, add_manual_line

        customer, amount = text_of("customer", customer), text_of("amount", amount)
        wanted = WantedLine(_month(period), customer, amount, text_of("description", description), may_be_negative)
        return add_manual_line(self.store, self.folder, wanted, self._said("a manual line", reason, by))

    def remove_line(self, line: int, *, reason: str, by: str | None = None) -> ManualLine:
        """Take a line away that somebody added, by its number (see `closing.reviews.manual_lines`)."""
        from tokentill.closing.reviews.manual_lines import remove_manual_line

        return remove_manual_line(self.store, of_type("line", line, int), self._said("a removal", reason, by))

    def lines(self, period: str) -> ManualLines:
        """The lines that people added to invoices of a period, those that were removed among them."""
        from tokentill.invoicing.manual_lines import ManualLines
        from tokentill.store.issued.manual_lines import all_manual_lines

        month = _month(period)
        with self.store.read() as connection:
            return ManualLines(month, tuple(all_manual_lines(connection, month)))

    def close(
        self,
        period: str,
        *,
        require_approval: bool = False,
        interim: bool | Sequence[str] = False,
        abandon: bool = False,
        accept_pricing_change: bool = False,
        by: str | None = None,
        progress: CloseProgress | None = None,
    ) -> Closed:
        """Issue the invoices of a period (see `closing.close.close_period`).

        Args:
            require_approval: refuse all customers whose preview was not approved as it stands, and not only those
                whose contract asks for it.
            interim: bill what has accrued so far instead: True for everybody who has reached the threshold of the
                contract, or the customers to bill whether they have reached it or not.
            abandon: end a run of the period that was cut off where it stands, and begin anew with the newest inputs.
            accept_pricing_change: go on although contracts are gone that the database was used with last; the folder
                must be named then.
            by: who closes; whoever runs this process unless given.

        Raises:
            Refused: when contracts are gone.
            InvalidCall: for an interim invoice that is to be approved; there is no preview of it that could be.
        """
        from tokentill.closing.close import close_period
        from tokentill.closing.close_options import CloseOptions, Interim

        if isinstance(interim, bool):
            billed_early = Interim() if interim else None
        else:
            billed_early = Interim(tuple(dict.fromkeys(texts_of("interim", interim))))
        if billed_early is not None and require_approval:
            raise InvalidCall("an interim invoice has no preview that could be approved; leave the approval out")
        if billed_early is None:
            require_approval = require_approval or self.require_approval
        month, closed_by = _month(period), optional(any_text, "by", by) or None
        options = CloseOptions(
            billed_early, require_approval, self.grace, policy=self.policy, by=closed_by, totals=self.totals
        )
        _, used = self._used_now(partial(options.command, month), is_accepted=accept_pricing_change)
        closed = close_period(
            self.store, month, self.folder, options, clock=self.clock, used=used, abandon=abandon, progress=progress
        )
        confirmed = ("--accept-pricing-change",) if accept_pricing_change else ()
        again = options.command(month, *confirmed)
        earlier = () if billed_early is not None else self._earlier_open(month)
        with self.store.read() as connection:
            head = chain_head(connection)
        pricing = None if closed.resumed else used
        return replace(closed, pricing=pricing, again=again, earlier=earlier, chain_head=head)

    def close_report(self, period: str) -> CloseReport:
        """What the close of a period came to, as of now (see `closing.close_report`)."""
        from tokentill.closing.close_report import close_report

        preview, _, _ = self._preview(_month(period), None)
        with self.store.read() as connection:
            return close_report(connection, preview)

    def write_close_report(self, report: CloseReport, file: str | PathLike[str]) -> Path:
        """Write a report as one self-contained page; returns its path."""
        from tokentill.closing.close_report import CloseReport
        from tokentill.documents.close_report import write_close_report  # brings in the templates

        return write_close_report(of_type("report", report, CloseReport), Path(path_of("file", file)))

    def _earlier_open(self, month: Month) -> tuple[OpenMonth, ...]:
        from tokentill.closing.due_months import earlier_open

        with self.store.read() as connection:
            inputs, seq = _newest_inputs(connection, self.folder)
            pins, now = inputs.pins(seq), self.clock.now()
            return earlier_open(connection, inputs.books(), pins, now, self.grace, month=month)

    def due_months(self) -> DueMonths:
        """The months in which somebody is due and has no invoice, oldest first, with what would refuse them now.

        It begins with the first month that has usage or was closed.
        """
        from tokentill.closing.due_months import DueMonths, due_months

        with self.store.read() as connection:
            inputs, seq = _newest_inputs(connection, self.folder)
            now = self.clock.now()
            months = due_months(connection, inputs.books(), inputs.pins(seq), now, self.grace)
        return DueMonths(tuple(map(self._with_obstacles, months)))

    def _with_obstacles(self, due: DueMonth) -> DueMonth:
        preview, _, _ = self._preview(due.month, None)
        obstacles = tuple(one for one in preview.obstacles if {*one.customers} & {*due.due})
        return replace(due, obstacles=obstacles, blocked_by=preview.blocked_by)

    def close_due(
        self,
        *,
        require_approval: bool = False,
        accept_pricing_change: bool = False,
        by: str | None = None,
        progress: CloseProgress | None = None,
    ) -> ClosedMonths:
        """Close every month in which somebody is due, oldest first (see `close` and `due_months`).

        What is refused in one month keeps no other month from being closed.
        """
        from tokentill.closing.due_months import ClosedMonths, due_months

        by = optional(any_text, "by", by)
        with self.store.read() as connection:
            inputs, seq = _newest_inputs(connection, self.folder)
            now = self.clock.now()
            months = due_months(connection, inputs.books(), inputs.pins(seq), now, self.grace)
        closed = [
            self.close(
                str(due.month),
                require_approval=require_approval,
                accept_pricing_change=accept_pricing_change,
                by=by,
                progress=progress,
            )
            for due in months
        ]
        return ClosedMonths(tuple(closed))

    def invoices(self, *, period: str | None = None, customer: str | None = None) -> list[IssuedInvoice]:
        """Issued invoices, in the order of their numbers."""
        from tokentill.store.issued.invoices import issued_invoices

        month, customer = None if period is None else str(_month(period)), optional(text_of, "customer", customer)
        with self.store.read() as connection:
            return issued_invoices(connection, period=month, customer=customer)

    def invoice(self, number: str) -> IssuedInvoice:
        """One issued invoice.

        Raises:
            NotFound: when there is none of that number.
        """
        from tokentill.store.issued.invoices import invoice_by_number

        with self.store.read() as connection:
            return invoice_by_number(connection, text_of("number", number))

    def document(self, number: str) -> Content:
        """One issued invoice as it is printed, with the numbers of the interim invoices that came before it.

        Raises:
            NotFound: when there is none of that number.
        """
        from tokentill.store.issued.invoices import interims_of, invoice_by_number

        with self.store.read() as connection:
            invoice = invoice_by_number(connection, text_of("number", number))
            listed = [interim.as_interim().content() for interim in interims_of(connection, invoice)]
        return {**invoice.document(), **({"interim_invoices": listed} if listed else {})}

    def diff(self, before: str, after: str) -> DocumentDifferences:
        """What differs between two invoices, each by its number; or between one and `preview`, which is what would
        stand in its place now.

        Raises:
            NotFound: when there is none of that number, or its customer has no usage in the period any more.
            InvalidCall: for two previews, or the preview of what is not a period's invoice.
        """
        from tokentill.invoicing.differences import DocumentDifferences

        sides = {"before": text_of("before", before), "after": text_of("after", after)}
        numbers = [number for number in sides.values() if number != PREVIEW]
        if not numbers:
            raise InvalidCall("a preview is held against an invoice; name one by its number")
        issued = {number: self.invoice(number) for number in numbers}
        contents = {number: invoice.content for number, invoice in issued.items()}
        if len(numbers) == 1:
            invoice = issued[numbers[0]]
            if invoice.kind != "period":
                raise InvalidCall(f"{invoice.number} is no invoice of a whole period, and has no preview")
            preview, _, _ = self._preview(Month.parse(invoice.period), invoice.customer)
            contents[PREVIEW] = preview.customers[0].invoice.content()
        named = ((None if number == PREVIEW else number, contents[number]) for number in sides.values())
        return DocumentDifferences.of(*named)

    def void(self, number: str, *, reason: str, by: str | None = None) -> IssuedInvoice:
        """Make an invoice void. Its number and content stay; its records are on no document until the period is closed
        again.

        Raises:
            NotFound: when there is none of that number.
            Refused: when it is void already.
            InvalidCall: for a void without a reason.
        """
        from tokentill.store.issued.invoices import invoice_by_number, void_invoice

        number, reason = text_of("number", number), reason_for("a void", reason)
        at, actor = self.clock.now(), optional(any_text, "by", by) or actor_here()
        with self.store.write() as connection:
            issued = invoice_by_number(connection, number)
            void_invoice(connection, issued, reason=reason, at=at, actor=actor)
            append_audit(connection, "invoice.voided", {"number": number, "reason": reason}, at=at, actor=actor)
            return invoice_by_number(connection, number)

    def reissue(self, number: str, *, reason: str, by: str | None = None) -> Closed:
        """Make an invoice void, and close its period again for its customer alone, with the newest inputs. Given again
        for the invoice of a period, it does what is left of that, if the work was cut off.

        Raises:
            NotFound, Refused, InvalidCall: as `void` and `close` do; contracts that are gone are refused before
                anything is done.
        """
        from tokentill.closing.close import close_period
        from tokentill.closing.close_options import CloseOptions, Interim

        reason = reason_for("a void", reason)
        invoice = self.invoice(number)
        month, kind = Month.parse(invoice.period), invoice.kind
        interim = Interim((invoice.customer,)) if kind == "interim" else None
        options = CloseOptions(
            interim, self.require_approval and interim is None, self.grace, invoice.customer, self.policy, by
        )
        _, used = self._used_now(partial(options.command, month), is_accepted=False)
        if invoice.status != "void" or kind != "period":
            self.void(number, reason=reason, by=by)
        closed = close_period(self.store, month, self.folder, options, clock=self.clock, used=used)
        return replace(closed, pricing=None if closed.resumed else used, again=options.command(month))

    def export(self, *, period: str | None = None, customer: str | None = None) -> InvoiceRows:
        """Issued invoices as rows, those that are void among them (see `documents.views.export`)."""
        from tokentill.documents.views.export import InvoiceRows

        return InvoiceRows.of(self.invoices(period=period, customer=customer))

    def journal(
        self, period: str | None = None, *, starts_at: datetime | None = None, ends_at: datetime | None = None
    ) -> Journal:
        """Everything that was issued as a double-entry journal, with voids, prepaid credit and what expired of it
        (docs/journals.md). Dates are those of the documents, in UTC.

        Args:
            period: the documents of one period, whenever they were issued or became void, and what begins or expires
                in this calendar month (UTC).
            starts_at: what is dated from then on, instead of a period.
            ends_at: until before when.
        """
        from tokentill.closing.questions.journal import transactions
        from tokentill.documents.views.journal import Journal

        if period is not None and (starts_at is not None or ends_at is not None):
            raise InvalidCall("a period and instants of one's own cannot both be asked for; leave one of them out")
        month = None if period is None else str(_month(period))
        since, until = optional(instant_of, "starts_at", starts_at), optional(instant_of, "ends_at", ends_at)
        with self.store.read() as connection:
            booked = transactions(connection)
        return Journal(
            tuple(
                one
                for one in booked
                if month in (None, one.period)
                and (since is None or since <= one.at)
                and (until is None or one.at < until)
            )
        )

    def reviews(self, period: str) -> ReviewList:
        """What reviewers said last of each customer's preview of a period, and what that is worth now."""
        from tokentill.documents.views.lists import ReviewList

        preview, _, _ = self._preview(_month(period), None)
        return ReviewList(preview.month, preview.customers)

    def shown_review(self, period: str, customer: str) -> ReviewShown:
        """What was said last of a customer's preview, and what moved since.

        Raises:
            NotFound: when the customer has no usage in the period.
        """
        from tokentill.documents.views.lists import ReviewShown

        preview = self.preview(period, text_of("customer", customer))
        return ReviewShown(preview.month, preview.customers[0])

    def status(self, period: str | None = None) -> PeriodStatus:
        """How far a period is, and what to do next; the month before now unless given.

        Raises:
            InvalidFiles: when the folder has mistakes.
        """
        from tokentill.documents.views.status import PeriodStatus
        from tokentill.store.intake.imports import last_imports, pushed_days

        now = self.clock.now()
        month = Month(now.year, now.month).plus(-1) if period is None else _month(period)
        preview, _, _ = self._preview(month, None)
        with self.store.read() as connection:
            imports, pushed = last_imports(connection, IMPORTS_SHOWN), pushed_days(connection, str(month))
        return PeriodStatus(self.store.url_shown, now, preview, tuple(imports), self.require_approval, *pushed)

    def kept_boundaries(self) -> list[KeptBoundary]:
        """Where a contract says that a period begins elsewhere than what was issued ended, in the months after those
        that were closed last; the contract acts from the next boundary on.
        """
        from tokentill.invoicing.coverage import Periods
        from tokentill.store.issued.documents import documents_around
        from tokentill.store.issued.invoices import closings

        with self.store.read() as connection:
            inputs, _ = _newest_inputs(connection, self.folder)
            books, months = inputs.books(), sorted(closings(connection))[-CLOSED_MONTHS_LOOKED_AT:]
            kept = [
                boundary
                for month in dict.fromkeys(step for closed in months for step in (closed, closed.plus(1)))
                for boundary in Periods(month, books, documents_around(connection, month, inputs.position)).kept
            ]
        return sorted(kept, key=lambda boundary: (boundary.customer.encode(), boundary.month))

    def _boundaries_if_any(self) -> list[KeptBoundary]:
        """The same, where there is a database; looking makes none."""
        path = self._store.sqlite_path
        return self.kept_boundaries() if path is None or path.exists() else []

    def witnesses(self, period: str, *, source: str | None = None) -> Witnesses:
        """What several reporters told of the same requests of a calendar month (UTC), held against each other.

        Args:
            source: only this one.
        """
        from tokentill.closing.questions.witnesses import compare_witnesses

        month, source = _month(period), optional(text_of, "source", source)
        with self.store.read() as connection:
            return compare_witnesses(connection, month, source)

    def near_duplicates(self, period: str) -> NearDuplicates:
        """Records of a calendar month (UTC) with different ids that are alike in user, model, quantities and second."""
        from tokentill.closing.questions.near_duplicates import find_near_duplicates

        month = _month(period)
        with self.store.read() as connection:
            return find_near_duplicates(connection, month)

    def late(self) -> Late:
        """Every record that lies in a period whose document was issued, and that no live document covers."""
        from tokentill.closing.computation.late_usage import late_records

        with self.store.read() as connection:
            inputs, seq = _newest_inputs(connection, self.folder)
            return late_records(connection, inputs, seq)

    def usage(
        self,
        period: str | None = None,
        *,
        by: SummaryKey = "customer",
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
    ) -> UsageSummary:
        """What was used, counted by customer, user, model, UTC day, source or key.

        Only by customer are attribution rules needed. List amounts are there if the folder of prices loads; prices or
        contracts that do not load keep nobody from counting by anything else.

        Args:
            period: a calendar month in UTC, whatever contracts say of periods.
            starts_at: from when on, instead of a period.
            ends_at: until before when.

        Raises:
            InvalidFiles: by customer, with every mistake in the folder.
        """
        from tokentill.closing.records.usage_summary import SummaryKey, summarize_usage
        from tokentill.store.usage.usage_rows import usage_extent

        by = one_of("by", by, get_args(SummaryKey))
        if period is not None and (starts_at is not None or ends_at is not None):
            raise InvalidCall("a period and instants of one's own cannot both be asked for; leave one of them out")
        within = optional(instant_of, "starts_at", starts_at), optional(instant_of, "ends_at", ends_at)
        if period is not None:
            within = _month(period).first_instant, _month(period).plus(1).first_instant
        folder = self.folder if by == "customer" else self._folder_if_any()
        with self.store.read() as connection:
            books = None
            if by == "customer" and folder is not None:
                books = _newest_inputs(connection, folder)[0].books()
            return summarize_usage(
                connection,
                by,
                within,
                extent=usage_extent(connection),
                prices=None if folder is None else folder.price_book(),
                attribution=None if books is None else books.attribution,
                customers=() if books is None else frozenset(books.contracts.customers),
            )

    def trace(self, source: str, record_id: str) -> RequestTrace:
        """The way of one request: its import, customer, rule, price, line, invoice and push, or where it stopped.

        Raises:
            NotFound: when no such record is known, nor any such line in quarantine.
        """
        from tokentill.closing.questions.trace import trace_record

        source, record_id, _ = _record(source, record_id, None)
        now, grace = self.clock.now(), self.grace
        with self.store.read() as connection:
            return trace_record(connection, source, record_id, lambda: self.folder, now=now, grace=grace)

    def _folder_if_any(self) -> Folder | None:
        """The folder of prices, None where it does not load."""
        try:
            return self.folder
        except (InvalidFiles, InvalidCall):
            return None

    def revisions(self, period: str | None = None, *, state: RevisionState | None = None) -> Revisions:
        """Records that came again with another payload: all of them, or those whose record lies in a period."""
        from tokentill.closing.records.record_decisions import Revisions
        from tokentill.store.intake.revisions import RevisionState, stored_revisions

        state = None if state is None else one_of("state", state, get_args(RevisionState))
        with self.store.read() as connection:
            revisions = stored_revisions(connection, within=self._within(connection, period))
        return Revisions(tuple(one for one in revisions if state in (None, one.state)))

    def revision(self, source: str, record_id: str, *, digest: str | None = None) -> Revisions:
        """The revisions of a record; `digest` may be the beginning of that of one of them.

        Raises:
            NotFound: when there is none.
        """
        from tokentill.closing.records.record_decisions import Revisions, revisions_of

        named = _record(source, record_id, digest)
        with self.store.read() as connection:
            return Revisions(tuple(revisions_of(connection, *named)))

    def accept_revision(
        self, source: str, record_id: str, *, reason: str, digest: str | None = None, by: str | None = None
    ) -> Revised:
        """Let a revised payload count from now on (see `closing.records.record_decisions`)."""
        from tokentill.closing.records.record_decisions import decide_revision

        named, said = _record(source, record_id, digest), self._said("a decision on a revision", reason, by)
        return decide_revision(self.store, self.folder, "accepted", *named, said)

    def reject_revision(
        self, source: str, record_id: str, *, reason: str, digest: str | None = None, by: str | None = None
    ) -> Revised:
        """Leave a revised payload be, and never ask about it again (see `closing.records.record_decisions`)."""
        from tokentill.closing.records.record_decisions import decide_revision

        named, said = _record(source, record_id, digest), self._said("a decision on a revision", reason, by)
        return decide_revision(self.store, self.folder, "rejected", *named, said)

    def missing(self, period: str | None = None) -> Missing:
        """The records that report no usage and keep invoices back: all of them, or those of a period."""
        from tokentill.closing.records.missing_usage import missing_usage

        with self.store.read() as connection:
            inputs, seq = _newest_inputs(connection, self.folder)
            periods = None if period is None else _periods(connection, inputs, period)
            return missing_usage(connection, inputs.books(), seq, periods)

    def waive(self, source: str, record_id: str, *, reason: str, by: str | None = None) -> Waived:
        """Bill nothing for a record that reports no usage (see `closing.records.record_decisions.waive`)."""
        from tokentill.closing.records.record_decisions import waive

        source, record_id, _ = _record(source, record_id, None)
        return waive(self.store, source, record_id, self._said("a waiver", reason, by))

    def accept_estimate(self, source: str, record_id: str, *, reason: str, by: str | None = None) -> AcceptedEstimate:
        """Bill an estimate as it is (see `closing.records.record_decisions.accept_estimate`)."""
        from tokentill.closing.records.record_decisions import accept_estimate

        source, record_id, _ = _record(source, record_id, None)
        return accept_estimate(self.store, source, record_id, self._said("an acceptance", reason, by))

    def retract(
        self,
        *,
        reason: str,
        record: tuple[str, str] | None = None,
        import_number: int | None = None,
        filter: RecordFilter | str | None = None,  # noqa: A002
        by: str | None = None,
        dry_run: bool = False,
    ) -> Retracted:
        """Take records back: one by its source and id, those of an import, or those that a filter means (see
        `closing.records.retracting`). Previews leave them out from then on; what is issued stays as it is.

        Args:
            filter: as `RecordFilter.parse` reads it, or one.
            dry_run: only say what would be taken back.

        Raises:
            NotFound: when there is no such record or import, or the filter means none.
        """
        from tokentill.closing.records.retracting import retract
        from tokentill.faces.retractable import retractable

        named = retractable(record, import_number, filter)
        said = self._said("a retraction", reason, by)
        return retract(self.store, self.folder, named, said, dry_run=dry_run)

    def retractions(self) -> Retractions:
        """Everything that was taken back, oldest first."""
        from tokentill.closing.records.retracting import Retractions
        from tokentill.store.intake.retractions import stored_retractions

        with self.store.read() as connection:
            return Retractions(tuple(stored_retractions(connection)))

    def imports(self) -> Imports:
        """Every import that brought something, oldest first, with the number that `retract` takes."""
        from tokentill.store.intake.imports import Imports, numbered_imports

        with self.store.read() as connection:
            return Imports(tuple(numbered_imports(connection)))

    def import_shown(self, number: int) -> ImportShown:
        """One import, and what it would come to if it is staged.

        Raises:
            NotFound: when there is none of that number.
        """
        from tokentill.closing.records.staging import show_import

        return show_import(self.store, number_of("number", number), self.clock, self._reporting)

    def staged_imports(self, name: str | int) -> tuple[int, ...]:
        """The imports that were staged under a name, by number: those that nobody decided on, otherwise all of them.

        Args:
            name: or the number of one import.

        Raises:
            NotFound: when nothing was staged so.
        """
        from tokentill.store.intake.imports import imports_staged_as

        if not isinstance(name, str):
            return (number_of("name", name),)
        with self.store.read() as connection:
            return imports_staged_as(connection, text_of("name", name))

    def accept_import(
        self, number: int, *, reason: str = "", by: str | None = None, progress: IngestProgress | None = None
    ) -> Ingested:
        """Take a staged import in, as a whole (see `closing.records.staging.accept_import`)."""
        from tokentill.closing.records.record_decisions import SignedReason
        from tokentill.closing.records.staging import accept_import

        said = SignedReason(optional(any_text, "by", by) or actor_here(), any_text("reason", reason), self.clock.now())
        number = number_of("number", number)
        how: dict[str, Any] = {"clock": self.clock, "reporting": self._reporting, "progress": progress}
        return accept_import(self.store, number, said, **how)

    def drop_import(self, number: int, *, reason: str, by: str | None = None) -> NumberedImport:
        """Leave a staged import be; its records may be taken in by another (see `closing.records.staging`)."""
        from tokentill.closing.records.staging import drop_import

        return drop_import(self.store, number_of("number", number), self._said("to drop an import", reason, by))

    def quarantine(
        self, period: str | None = None, *, file: str | None = None, state: LineState | None = None
    ) -> Lines:
        """Lines that are no record: all of them, or those that may lie in a period, or those of a file."""
        from tokentill.closing.records.quarantine_decisions import Lines
        from tokentill.store.intake.quarantine import LineState, quarantined_lines

        state = None if state is None else one_of("state", state, get_args(LineState))
        file = optional(text_of, "file", file)
        with self.store.read() as connection:
            lines = quarantined_lines(connection, within=self._within(connection, period), file=file)
        return Lines(tuple(one for one in lines if state in (None, one.state)))

    def quarantined_line(self, name: str) -> QuarantinedLine:
        """One line that is no record, by its id.

        Raises:
            NotFound: when there is none.
        """
        from tokentill.closing.records.quarantine_decisions import line_named

        with self.store.read() as connection:
            return line_named(connection, any_text("name", name))

    def discard(self, *names: str, reason: str, file: str | None = None, by: str | None = None) -> Lines:
        """Leave quarantined lines be: those of these ids, and all of a file; see `closing.records`.

        Returns:
            Those that were open until now.
        """
        from tokentill.closing.records.quarantine_decisions import Lines, discard

        said = self._said("a decision on quarantined lines", reason, by)
        return Lines(tuple(discard(self.store, *_lines_named(names, file, "discard"), said)))

    def retry(
        self,
        *names: str,
        reason: str,
        file: str | None = None,
        source: str | None = None,
        format: str | None = None,  # noqa: A002
        by: str | None = None,
    ) -> Retried:
        """Read quarantined lines again as they were, those of these ids and all open ones of a file, and take in what
        is a record now (see `closing.records.quarantine_decisions.retry`).

        Args:
            source: the source to give them, instead of the one that they were given.
            format: the format to read them in, instead of the one that they were read in.
        """
        from tokentill.closing.records.quarantine_decisions import retry

        named, said = _lines_named(names, file, "retry"), self._said("a decision on quarantined lines", reason, by)
        source, format_ = optional(text_of, "source", source), optional(text_of, "format", format)
        if source is not None:
            check_id("source", source)
        return retry(
            self.store,
            *named,
            said,
            source=source,
            format_=format_,
            bounds=self.bounds,
            reporting=self._reporting,
            sources=self.sources,
            privacy=privacy_in_force(self.privacy),
        )

    def _said(self, what: str, reason: str, by: str | None) -> SignedReason:
        from tokentill.closing.records.record_decisions import SignedReason

        return SignedReason(optional(any_text, "by", by) or actor_here(), reason_for(what, reason), self.clock.now())

    def _within(self, connection: Connection, period: str | None) -> tuple[datetime, datetime] | None:
        """From where the first customer's period begins to where the last one's ends."""
        if period is None:
            return None
        periods = _periods(connection, _newest_inputs(connection, self.folder)[0], period)
        return periods.starts_at, periods.ends_at

    def completeness(self, period: str, *, source: str | None = None) -> Completeness:
        """The records of a period's days beside the control totals that sources state (see `invoicing.completeness`).

        Args:
            source: only this one; otherwise all that state totals for some of the days, or have to.
        """
        from tokentill.closing.computation.completeness import completeness_of

        month, source = _month(period), optional(text_of, "source", source)
        with self.store.read() as connection:
            inputs, _ = _newest_inputs(connection, self.folder)
            periods, prices = _periods(connection, inputs, period), inputs.books().prices
            within = (periods.starts_at, periods.ends_at)
            return completeness_of(connection, month, within, self.totals, prices, source=source)

    def compare_sources(self, period: str, first: str, second: str) -> ComparedSources:
        """Two sources that tell of the same requests, such as a capture and an export: what is missing on either side,
        and what they say otherwise, by record id and by user and day.

        Raises:
            NotFound: when there is no record of one of them.
        """
        from tokentill.closing.questions.compare_sources import compare_sources

        month, sources = _month(period), (text_of("first", first), text_of("second", second))
        with self.store.read() as connection:
            periods = _periods(connection, _newest_inputs(connection, self.folder)[0], period)
            return compare_sources(connection, month, (periods.starts_at, periods.ends_at), *sources)

    def control_totals(self, period: str | None = None, *, source: str | None = None) -> ControlTotals:
        """What sources say that days add up to, with all versions: of all days, or of those of a calendar month."""
        from tokentill.closing.records.control_totals import ControlTotals
        from tokentill.store.intake.control_totals import stored_totals

        month, source = None if period is None else _month(period), optional(text_of, "source", source)
        days = (
            None if month is None else (month.first_instant.date(), month.plus(1).first_instant.date() - timedelta(1))
        )
        with self.store.read() as connection:
            return ControlTotals(tuple(stored_totals(connection, days=days, source=source)))

    def withdraw_control_total(self, id: str, *, reason: str, by: str | None = None) -> StoredTotal:  # noqa: A002
        """Take back a control total, by its id (see `closing.records.control_totals`)."""
        from tokentill.closing.records.control_totals import withdraw_control_total

        return withdraw_control_total(self.store, any_text("id", id), self._said("to withdraw a total", reason, by))

    def explain(self, number: str, line: int | None = None) -> Explanation:
        """Where an invoice, or one line of it, comes from.

        Args:
            line: counted from 1; the steps below the lines are counted on from there.
        """
        from tokentill.closing.questions.explanation import explain_invoice
        from tokentill.store.issued.invoices import invoice_by_number

        if line is not None and (not isinstance(line, int) or isinstance(line, bool)):
            raise InvalidCall(f"line=... must be the number of a line, not {line!r}")
        with self.store.read() as connection:
            return explain_invoice(connection, invoice_by_number(connection, text_of("number", number)), line)

    def verify(self, number: str | None = None, *, period: str | None = None, replay: bool = False) -> Verification:
        """Work one invoice, those of a period, or all of them out again from raw rows and their pins.

        That is a second computation, which shares no code with the one that made them. `replay` also computes them with
        the code that makes invoices now, which must give the same bytes.
        """
        from tokentill.closing.questions.verify import verify_invoices
        from tokentill.store.issued.invoices import invoice_by_number, issued_invoices

        month = None if period is None else str(_month(period))
        with self.store.read() as connection:
            if number is None:
                issued = issued_invoices(connection, period=month)
                return verify_invoices(connection, issued, whole=True, replay=replay)
            invoice = invoice_by_number(connection, text_of("number", number))
            return verify_invoices(connection, [invoice], whole=False, replay=replay)

    def push(self, period: str, gateway: StripeGateway, *, progress: PushProgress | None = None) -> Pushed:
        """Tell Stripe what the issued invoices of a period amount to (see `stripe_push.pushing`)."""
        from tokentill.stripe_push.gateway import StripeGateway
        from tokentill.stripe_push.pushing import push_period

        month, gateway = _month(period), of_type("gateway", gateway, StripeGateway)
        return push_period(self.store, month, gateway, clock=self.clock, progress=progress)

    def reconcile(self, period: str, gateway: StripeGateway) -> Reconciled:
        """Compare what Stripe holds with the issued invoices of a period (see `stripe_push.reconciling`)."""
        from tokentill.stripe_push.gateway import StripeGateway
        from tokentill.stripe_push.reconciling import reconcile_period

        gateway = of_type("gateway", gateway, StripeGateway)
        return reconcile_period(self.store, _month(period), gateway, clock=self.clock)

    def customers(self) -> dict[str, Customer]:
        """Everybody who is described, by id."""
        from tokentill.store.customers import customers

        with self.store.read() as connection:
            return customers(connection)

    def customer_list(self) -> CustomerList:
        """Everybody who has a contract, usage or a description, with what is agreed now, and all bindings.

        Usage is put to customers as it would be now. Where contracts cannot be read, the list does without them.
        """
        from tokentill.faces.customers import customer_list
        from tokentill.sources.source_settings import untrusted_sources

        untrusted = untrusted_sources(self.sources)
        return customer_list(self.store, lambda: self.folder, untrusted, self.clock.now())

    def credits(self, customer: str) -> CreditAccount:
        """What a customer paid in advance, what invoices drew from it, and what they carried on to later ones.

        Raises:
            NotFound: when nothing was ever granted to the customer and none of its invoices carried anything on.
        """
        from tokentill.closing.questions.credit_account import credit_account

        with self.store.read() as connection:
            contracts = _newest_inputs(connection, self.folder)[0].books().contracts
            account = credit_account(connection, text_of("customer", customer), contracts, self.clock.now())
        if not account.grants and not account.balances and not account.openings:
            raise NotFound(
                f"nothing was granted to {customer!r}, and none of its invoices carried an amount on; grants are stated"
                f" in {self.folder.folder}/contracts"
            )
        return account

    def set_customer(
        self,
        customer: str,
        *,
        name: str | None = None,
        stripe_customer: str | None = None,
        gateway: StripeGateway | None = None,
    ) -> Customer:
        """Describe a customer, or link it to a Stripe customer. What is None stays as it was.

        Args:
            gateway: where the Stripe customer is looked up before it is linked to; without one it is taken as it is.

        Raises:
            NotFound: when Stripe does not have it (any more).
            Refused: when it is linked to another customer, or the key is of another account than the till pushes to.
            NoAnswer: when Stripe does not answer.
        """
        from tokentill.store.customers import set_customer

        check_id("customer", text_of("customer", customer))
        name, stripe_customer = optional(any_text, "name", name), optional(text_of, "stripe_customer", stripe_customer)
        if stripe_customer is not None and not stripe_customer.startswith("cus_"):
            raise Refused(f"{stripe_customer!r} is not the id of a Stripe customer, which begins with cus_")
        if stripe_customer is not None and gateway is not None:
            from tokentill.stripe_push.gateway import StripeGateway
            from tokentill.stripe_push.links import require_link

            require_link(self.store, of_type("gateway", gateway, StripeGateway), stripe_customer)
        at = self.clock.now()
        with self.store.write() as connection:
            described = set_customer(connection, customer, name=name, stripe_customer=stripe_customer, at=at)
            content = {"customer": described.id, "name": described.name, "stripe_customer": described.stripe_customer}
            append_audit(connection, "customer.set", content, at=at)
            return described

    def bind(self, wanted: Sequence[tuple[str, str, datetime, str | None]]) -> list[Binding]:
        """Bind users to customers: (user, customer, valid from, source or None). Returns those that are new."""
        from tokentill.faces.bindings import binding_in
        from tokentill.store.customers import add_bindings

        checked = [binding_in(one) for one in listed("wanted", wanted, "bindings")]
        return self._bound("binding.added", lambda connection, at: add_bindings(connection, checked, at))

    def bind_keys(self, wanted: Sequence[KeyWanted]) -> list[KeyBinding]:
        """Bind API keys and teams: (API key, team, customer, valid from, source or None), where two of the first three
        are stated and one is None. Returns those that are new.
        """
        from tokentill.faces.bindings import key_binding_in
        from tokentill.store.customers import add_key_bindings

        checked = [key_binding_in(one) for one in listed("wanted", wanted, "bindings")]
        return self._bound("key_binding.added", lambda connection, at: add_key_bindings(connection, checked, at))

    def _bound(self, action: str, add: Callable[[Connection, datetime], list[_AnyBinding]]) -> list[_AnyBinding]:
        """Add bindings, with an entry of the audit log for each."""
        at = self.clock.now()
        with self.store.write() as connection:
            added = add(connection, at)
            for binding in added:
                append_audit(connection, action, binding.content(), at=at)
            return added

    def key_bindings(self) -> list[KeyBinding]:
        """All bindings of API keys and teams, in the order in which they were made."""
        from tokentill.store.customers import key_bindings

        with self.store.read() as connection:
            return key_bindings(connection)

    def erase_user(self, user: str, *, reason: str, source: str | None = None, by: str | None = None) -> Erased:
        """Put a token in the place of a user in all that is kept of usage: records, revisions, bindings, staged and
        quarantined lines. Issued documents stay as they are (see `closing.records.erasing`).

        Args:
            source: only in records of this source.

        Raises:
            NotFound: when nothing names the user.
            Refused: when an issued document could not be verified without the id.
            InvalidCall: when there is no reason.
        """
        from tokentill.closing.records.erasing import erase_user

        user, source = text_of("user", user), optional(text_of, "source", source)
        said = self._said("an erasure", reason, by)
        store, folder = self.store, self.folder
        with store.read() as connection:
            inputs, _ = _newest_inputs(connection, folder)
        return erase_user(store, inputs, user, source, said)

    def pseudonyms(self, user: str) -> Pseudonyms:
        """The ids that records of sources with `privacy = "hash"` have in the place of a user: one for each key. Bind
        users, and write rules, by these. No database is needed.

        Raises:
            InvalidCall: when there is no key, or its variable is not set.
        """
        return keyed_privacy(self.privacy).pseudonyms(text_of("user", user))

    def bindings(self) -> list[Binding]:
        """All bindings, in the order in which they were made."""
        from tokentill.store.customers import bindings

        with self.store.read() as connection:
            return bindings(connection)


def _month(period: str) -> Month:
    return Month.parse(text_of("period", period))


def _record(source: str, record_id: str, digest: str | None) -> tuple[str, str, str | None]:
    return text_of("source", source), text_of("record_id", record_id), optional(any_text, "digest", digest)


def _lines_named(names: Sequence[str], file: str | None, deed: str) -> tuple[list[str], str | None]:
    if not names and file is None:
        raise InvalidCall(f"nothing to {deed}; name lines by their ids, or an import with file=...")
    return [any_text("names", name) for name in names], optional(text_of, "file", file)


def _window(since: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime | None]:
    return optional(instant_of, "since", since), optional(instant_of, "until", until)


def _usage_records(records: Iterable[Reported]) -> Iterator[Reported]:
    from tokentill.usage.control_totals import Reported

    for number, record in enumerate(listed("records", records, "usage records"), start=1):
        if not isinstance(record, Reported):
            raise InvalidCall(f"records=...: number {number} is no UsageRecord, but {type(record).__name__}")
        yield record


def _newest_inputs(connection: Connection, folder: Folder) -> tuple[Inputs, int]:
    from tokentill.closing.computation.pins import newest_inputs

    return newest_inputs(connection, folder)


def _periods(connection: Connection, inputs: Inputs, period: str) -> Periods:
    from tokentill.invoicing.coverage import Periods
    from tokentill.store.issued.documents import documents_around

    month = _month(period)
    return Periods(month, inputs.books(), documents_around(connection, month, inputs.position))
