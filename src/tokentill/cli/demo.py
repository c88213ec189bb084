"""`tokentill demo`: the whole main job on the sample activity that ships with the package."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tokentill.canonical import Content
from tokentill.cli.calling import Commands, Invocation
from tokentill.clock import FixedClock
from tokentill.documents.text.invoices import show_closed, show_explained, show_invoice, show_preview
from tokentill.documents.text.pushes import show_pushed, show_reconciled
from tokentill.documents.text.screen import Screen
from tokentill.errors import Refused, ensure
from tokentill.shipped import shipped_folder
from tokentill.stripe_push.gateway import StripeGateway
from tokentill.testing.stripe import StripeStandIn
from tokentill.till import Till

PERIOD = "2026-10"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""The demo plays on this day, just after the sample month, when Stripe still takes events of all its days."""

SAMPLE = Path(__file__).resolve().parent.parent / "sample"
ACTIVITY = SAMPLE / "activity-2026-10.jsonl.gz"
MARKER = "made-by-tokentill-demo"


app = Commands()


@app.command("demo")
def _demo(
    call: Invocation,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to put what it makes; made anew each time.")
    ] = Path("tokentill-demo"),
) -> None:
    """Run a whole month on sample activity.

    Ingest, preview, review, close, push to a Stripe stand-in, reconcile, verify. It has a database and prices of its
    own in its folder, and touches nothing else.
    """
    call.screen.options.clear()  # what it makes is found from its folder
    _make_folder(out)
    clock = FixedClock(NOW)
    with Till.open(str(out / "tokentill.db"), out / "pricing", clock=clock) as till:
        with call.progress("ingest") as progress:
            ingested = till.ingest_file(ACTIVITY, progress=lambda counts: progress(counts.read, None))
        preview = till.preview(PERIOD)
        till.write_review_pages(PERIOD, out / "review")
        largest = max(preview.customers, key=lambda customer: customer.invoice.total_minor).invoice
        till.review(PERIOD, largest.customer, "approved", by="demo", seen_hash=largest.content_hash)
        closed = till.close(PERIOD)
        written = _write_invoices(till, out / "invoices")
        with StripeStandIn(clock=clock) as stand_in:
            gateway = StripeGateway(stand_in.client(), stand_in.api_key)
            _link_customers(till, stand_in)
            pushed = till.push(PERIOD, gateway)
            reconciled = till.reconcile(PERIOD, gateway)
        verification = till.verify()
        number = next(invoice.number for invoice in till.invoices() if invoice.customer == largest.customer)
        document = till.invoice(number).document()
        explained = till.explain(number, 1)
    content: Content = {
        "folder": str(out),
        "ingested": ingested.content(),
        "closed": closed.content(),
        "pushed": pushed.content(),
        "reconciled": reconciled.is_equal,
        "verified": verification.is_sound,
        "pages": str(out / "review" / "index.html"),
        "invoices": str(out / "invoices"),
    }
    is_sound = reconciled.is_equal and verification.is_sound and pushed.is_complete and not closed.is_refused

    def show(screen: Screen) -> None:
        counts = ingested.counts
        _title(screen, "1. Ingest: the gateway's activity becomes usage records")
        screen.say(
            f"{counts.read:,} lines read: {counts.accepted:,} records taken, {counts.duplicates:,} duplicates,"
            f" {counts.revisions:,} revisions kept aside, {counts.quarantined:,} bad lines in quarantine"
        )
        for bad in ingested.bad:
            screen.say(f"  line {bad.line}: {bad.reason}")
        _title(screen, f"2. Preview: what {PERIOD} comes to, before anything is issued")
        show_preview(screen, preview)
        screen.say(f"review pages: {out}/review/index.html")
        _title(screen, "3. Close: each customer gets one invoice, once")
        show_closed(screen, closed)
        screen.say(f"{written} invoices as JSON: {out}/invoices/")
        _title(screen, "4. The largest one, and where its first line comes from")
        show_invoice(screen, document)
        screen.say("")
        show_explained(screen, explained, 3)
        _title(screen, "5. Push: each customer's days go to Stripe (here a stand-in on this machine)")
        show_pushed(screen, pushed)
        show_reconciled(screen, reconciled)
        _title(screen, "6. Verify: every invoice is computed again from what it was pinned to")
        sound = sum(verified.fault is None for verified in verification.invoices)
        screen.say(f"{sound} of {len(verification.invoices)} invoices come to the same bytes again")
        screen.say(f"\nLook around: tokentill --db {out}/tokentill.db --pricing {out}/pricing invoices list")

    call.finish(content, show, is_refused=not is_sound)


def _make_folder(out: Path) -> None:
    """Make the folder anew; only one that an earlier demo made is removed."""
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise Refused(f"{out} holds something that is not from a demo; name another folder with --out")
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / MARKER).write_text("This folder is removed and made anew by `tokentill demo`.\n", encoding="utf-8")
    shutil.copytree(shipped_folder("pricing") / "models", out / "pricing" / "models")
    shutil.copytree(shipped_folder("pricing") / "schema", out / "pricing" / "schema")
    shutil.copytree(SAMPLE / "pricing", out / "pricing", dirs_exist_ok=True)


def _write_invoices(till: Till, folder: Path) -> int:
    folder.mkdir()
    invoices = till.invoices(period=PERIOD)
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


def _title(screen: Screen, text: str) -> None:
    screen.say(f"\n{text}", style="bold")
