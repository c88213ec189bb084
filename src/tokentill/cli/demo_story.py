"""What `tokentill demo` plays: a September, then an October in which a close is refused and put right.

Each step does by calls what the commands that it prints would do, at instants of its own, so that every run is alike.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tokentill.canonical import Content
from tokentill.clock import FixedClock
from tokentill.closing.closed import Closed
from tokentill.closing.records.ingest import Ingested
from tokentill.documents.escaping import short_id, shown_id
from tokentill.documents.figures import NO_BREAK, count, money, plural, short_hash, signed_money
from tokentill.documents.review_status import change_of
from tokentill.documents.text.explanations import show_explained
from tokentill.documents.text.invoices import show_closed, show_verification
from tokentill.documents.text.pushes import show_pushed, show_reconciled
from tokentill.documents.text.screen import Screen
from tokentill.errors import ensure
from tokentill.invoicing.preview import Preview, Previewed
from tokentill.sample import LAST_DAY, LATER_ALIAS, OCTOBER, ODD_IDS, SEPTEMBER
from tokentill.store.intake.revisions import Revision
from tokentill.store.issued.invoices import IssuedInvoice
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.testing.stripe import StripeStandIn
from tokentill.till import Till

BEFORE, PERIOD = "2026-09", "2026-10"
IN_OCTOBER = datetime(2026, 10, 2, 9, tzinfo=UTC)
IN_NOVEMBER = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""Just after the sample months, when Stripe still takes events of all days of October."""
LATER = datetime(2026, 11, 2, 14, tzinfo=UTC)

REVIEWER = "ana"
HELD, HELD_FOR, RELEASED_AS = "birch", "asks what ran on 14 October", "a batch of theirs; they agree"
UNKNOWN, REVISED = "1042", "acme"
REVISED_BECAUSE = "the gateway has counted the answer to its end"
SHOWN_MAX = 8


@dataclass(frozen=True, slots=True)
class Played:
    """What came of the story: what `demo --json` prints, and the last words."""

    content: Content
    farewell: str
    is_sound: bool


def play(out: Path, screen: Screen) -> Played:
    """Play it in a folder that holds `activity/` and `pricing/`; everything else in there is made."""
    story = _Story(out, screen)
    screen.say(f"Every command below is run with this database and these prices, which lie in {out}/:")
    screen.say(f"$ export TOKENTILL_DB={out}/tokentill.db TOKENTILL_PRICING={out}/pricing")
    first_close = story.play_september()
    ingested, last_day = story.ingest_october()
    preview = story.preview_october()
    story.review(preview)
    closes = [first_close, story.close_with_refusals(), story.put_right(preview)]
    with story.till(LATER) as till:
        invoices = till.invoices(period=PERIOD)
        written = _write_invoices(invoices, out / "invoices")
        story.explain_largest(till, invoices)
        is_complete, pushed, reconciled = story.push(till)
        is_verified = story.verify(till)
    content: Content = {
        "folder": str(out),
        "ingested": ingested.content(),
        "ingested_again": last_day.content(),
        "closes": [closed.content() for closed in closes],
        "closed": closes[-1].content(),
        "pushed": pushed,
        "reconciled": reconciled,
        "verified": is_verified,
        "pages": str(out / "review" / "index.html"),
        "invoices": str(out / "invoices"),
    }
    farewell = (
        f"\n{written} invoices of {PERIOD} lie in {out}/invoices/. Look around, after the export above:\n"
        f"$ tokentill invoices list --period {PERIOD}"
    )
    return Played(content, farewell, is_complete and reconciled and is_verified and not closes[-1].is_refused)


class _Story:
    """The steps in their order, each with a number, a title and the commands that do the same."""

    def __init__(self, out: Path, screen: Screen) -> None:
        self._out = out
        self._screen = screen
        self._step = 0

    def till(self, at: datetime) -> Till:
        """The demo's database and prices at an instant."""
        return Till.open(str(self._out / "tokentill.db"), self._out / "pricing", clock=FixedClock(at))

    def _title(self, text: str) -> None:
        self._step += 1
        self._screen.say(f"\n{self._step}. {text}", style="bold")

    def _command(self, words: str) -> None:
        self._screen.say(f"$ tokentill {words}")

    def _ingest(self, till: Till, file: Path) -> Ingested:
        copy = str(self._out / "activity" / file.name)
        self._command(f"ingest {copy}")
        ingested = till.ingest_file(copy)
        counts = ingested.counts
        told = [
            f"{plural(counts.accepted, 'record', 'records')} taken",
            plural(counts.duplicates, "duplicate", "duplicates"),
            f"{plural(counts.revisions, 'revision', 'revisions')} kept aside",
            f"{plural(counts.quarantined, 'bad line', 'bad lines')} in quarantine",
        ]
        self._screen.say(f"{count(counts.read)} lines read: {', '.join(told)}")
        return ingested

    def play_september(self) -> Closed:
        self._title("September, on 2 October: the month that October will be compared with")
        with self.till(IN_OCTOBER) as till:
            self._ingest(till, SEPTEMBER)
            self._command(f"close {BEFORE}")
            closed = till.close(BEFORE)
        show_closed(self._screen, closed)
        return closed

    def ingest_october(self) -> tuple[Ingested, Ingested]:
        self._title("October, on 2 November: the month's activity, and its last day exported once more")
        with self.till(IN_NOVEMBER) as till:
            ingested = self._ingest(till, OCTOBER)
            for bad in ingested.bad:
                self._screen.say(f"  line {bad.line}: {bad.reason}")
            last_day = self._ingest(till, LAST_DAY)
        self._screen.say("\nUsers may be called anything. These ids are in the sample on purpose:")
        for what, ids in ODD_IDS.items():
            self._screen.say(f"  {what}: {', '.join(map(short_id, ids))}")
        self._screen.say("A \u00b7 is a space at the edge, and \\u... a character that would not be seen as it is.")
        return ingested, last_day

    def preview_october(self) -> Preview:
        self._title("Preview: what October comes to, and what is in the way")
        self._command(f"preview {PERIOD}")
        with self.till(IN_NOVEMBER) as till:
            preview = till.preview(PERIOD)
        largest_first = _largest_first(preview)
        columns = ("customer", "requests", "total USD", "change", "state")
        rows = [_row(previewed) for previewed in largest_first[:SHOWN_MAX]]
        self._screen.table(columns, rows, right=("requests", "total USD", "change"))
        whole = sum(one.invoice.total_minor for one in largest_first if one.blocked_by is None)
        more = len(largest_first) - SHOWN_MAX
        self._screen.say(f"... and {more} more; all but the blocked come to {money(whole, 'USD')} USD")
        for previewed in preview.customers:
            if previewed.blocked_by is not None:
                self._screen.say(f"{shown_id(previewed.invoice.customer)} cannot be closed: {previewed.blocked_by}")
        for finding in preview.findings:
            self._screen.say(f"worth a look: {short_id(finding.customer)}: {finding.text}")
        return preview

    def review(self, preview: Preview) -> None:
        """A hold, approvals, and then a decision that moves what was approved."""
        self._title("Review: one customer is held, the others are approved, and one of them moves afterwards")
        self._command(f"review hold {PERIOD} {HELD} --reason '{HELD_FOR}' --by {REVIEWER}")
        approved = [
            one.invoice.customer
            for one in _largest_first(preview)
            if one.blocked_by is None and one.invoice.customer != HELD
        ]
        with self.till(IN_NOVEMBER) as till:
            till.review(PERIOD, HELD, "held", by=REVIEWER, note=HELD_FOR)
            till.approve(preview, approved, by=REVIEWER)
            self._command(f"review approve {PERIOD} {' '.join(approved[:3])} ... --by {REVIEWER}")
            self._screen.say(f"{len(approved)} customers are approved, each with the content hash of its preview")
            revision = self._revision(till)
            self._command(f"usage revisions accept {revision.source} {revision.record_id} --reason '{REVISED_BECAUSE}'")
            till.accept_revision(revision.source, revision.record_id, reason=REVISED_BECAUSE, by=REVIEWER)
            was, now = (quantities["output"] for quantities in revision.differences["quantities"])
            more = f"{count(now)} output tokens, not {count(was)}"
            self._screen.say(f"one request of {REVISED} came again with {more}; that counts from now on")
            till.write_review_pages(PERIOD, self._out / "review")
        self._screen.say(f"review pages, as they stand now: {self._out}/review/index.html")

    def _revision(self, till: Till) -> Revision:
        (revision,) = (one for one in till.revisions(PERIOD).revisions if Path(one.file).name == LAST_DAY.name)
        return revision

    def close_with_refusals(self) -> Closed:
        self._title("Close: whoever is approved as it stands gets one invoice; three customers are refused")
        self._command(f"close {PERIOD} --require-approval")
        with self.till(IN_NOVEMBER) as till:
            closed = till.close(PERIOD, require_approval=True)
        show_closed(self._screen, closed)
        return closed

    def put_right(self, before: Preview) -> Closed:
        """An alias, a release and a second look, and a close that issues what was refused."""
        self._title("Put right: an alias for the new model id, a release, a second look")
        written = shutil.copy(LATER_ALIAS, self._out / "pricing" / "models")
        self._screen.say(f"{written} is written:")
        for line in LATER_ALIAS.read_text(encoding="utf-8").splitlines()[-3:]:
            self._screen.say(f"    {line}")
        with self.till(LATER) as till:
            self._command("prices check")
            ensure(not till.prices.check().errors, "the alias is a mistake")
            self._screen.say("no mistake in it")
            self._command(f"review release {PERIOD} {HELD} --note '{RELEASED_AS}' --by {REVIEWER}")
            till.review(PERIOD, HELD, "released", by=REVIEWER, note=RELEASED_AS)
            self._command(f"preview {PERIOD}")
            preview = till.preview(PERIOD)
            for customer in (UNKNOWN, HELD, REVISED):
                self._screen.say(_moved(_of(before, customer), _of(preview, customer)))
            self._command(f"review approve {PERIOD} {UNKNOWN} {HELD} {REVISED} --by {REVIEWER}")
            till.approve(preview, (UNKNOWN, HELD, REVISED), by=REVIEWER)
            self._command(f"close {PERIOD} --require-approval")
            closed = till.close(PERIOD, require_approval=True)
        show_closed(self._screen, closed)
        return closed

    def explain_largest(self, till: Till, invoices: list[IssuedInvoice]) -> None:
        """The first line of the largest invoice, down to its records."""
        largest = max(invoices, key=lambda invoice: invoice.total_minor)
        total = f"{money(largest.total_minor, largest.currency)} {largest.currency}"
        self._title(
            f"Explain: {largest.number} bills {shown_id(largest.customer)} {total}; where its first line comes from"
        )
        self._command(f"explain {largest.number} 1 --records 3")
        show_explained(self._screen, till.explain(largest.number, 1), 3)

    def push(self, till: Till) -> tuple[bool, Content, bool]:
        """Push to the stand-in and compare: whether all was pushed, what, and whether Stripe holds the same."""
        self._title("Push: each customer's days go to Stripe (here a stand-in on this machine)")
        with StripeStandIn(clock=till.clock) as stand_in:
            gateway = StripeGateway(stand_in.client(), stand_in.api_key)
            _link_customers(till, stand_in)
            self._command(f"push {PERIOD}")
            pushed = till.push(PERIOD, gateway)
            show_pushed(self._screen, pushed)
            self._command(f"reconcile {PERIOD}")
            reconciled = till.reconcile(PERIOD, gateway)
        show_reconciled(self._screen, reconciled)
        return pushed.is_complete, pushed.content(), reconciled.is_equal

    def verify(self, till: Till) -> bool:
        """Whether every invoice comes to the same bytes again."""
        self._title("Verify: every invoice is computed again from what it was pinned to")
        self._command("verify")
        verification = till.verify()
        show_verification(self._screen, verification)
        return verification.is_sound


def _largest_first(preview: Preview) -> list[Previewed]:
    return sorted(preview.customers, key=lambda one: -one.invoice.total_minor)


def _of(preview: Preview, customer: str) -> Previewed:
    return next(one for one in preview.customers if one.invoice.customer == customer)


def _row(previewed: Previewed) -> tuple[str, ...]:
    """A line of the short preview; what is blocked has no total yet."""
    invoice, change = previewed.invoice, change_of(previewed)
    if previewed.blocked_by is not None:
        return short_id(invoice.customer), count(invoice.requests), "-", "", "blocked"
    in_percent = (change.percent or change.amount).replace(NO_BREAK, " ")
    return short_id(invoice.customer), count(invoice.requests), money(invoice.total_minor, "USD"), in_percent, ""


def _moved(before: Previewed, now: Previewed) -> str:
    """What became of one that was refused."""
    invoice, was = now.invoice, before.invoice
    total = f"{shown_id(invoice.customer)}: {money(invoice.total_minor, 'USD')} USD"
    if before.blocked_by is not None:
        return f"{total}; all {plural(invoice.requests, 'request has', 'requests have')} a price now"
    moved = invoice.total_minor - was.total_minor
    if not moved:
        return f"{total}, as it was; held no more"
    hashes = f"{short_hash(was.content_hash)} became {short_hash(invoice.content_hash)}"
    return f"{total}, {signed_money(moved, 'USD')} since it was approved ({hashes}): the answer counted to its end"


def _write_invoices(invoices: list[IssuedInvoice], folder: Path) -> int:
    folder.mkdir()
    for invoice in invoices:
        text = json.dumps(invoice.document(), indent=2, ensure_ascii=True) + "\n"
        (folder / f"{invoice.number}.json").write_text(text, encoding="utf-8")
    return len(invoices)


def _link_customers(till: Till, stand_in: StripeStandIn) -> None:
    """Make a Stripe customer for everybody who is invoiced, as an application would have done at sign-up."""
    client = stand_in.client()
    for invoice in till.invoices(period=PERIOD):
        made = client.v1.customers.create({"name": invoice.number})
        ensure(made.id.startswith("cus_"), "the stand-in made no customer")
        till.set_customer(invoice.customer, stripe_customer=made.id)
