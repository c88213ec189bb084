"""Telling Stripe what each day of a period amounts to, in amount mode, for same-period billing.

States are told, not differences, and the outbox row is written before the attempt. So a push that was killed, run
again, ends with Stripe holding what the invoices say, and nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tokentill.canonical import Content, fields_of
from tokentill.clock import Clock
from tokentill.invoicing.periods import Month
from tokentill.store.audit import append_audit
from tokentill.store.database import Database
from tokentill.store.issued import push_rows
from tokentill.stripe_push.gateway import Account, StripeGateway
from tokentill.stripe_push.owed import Tellable, tellable
from tokentill.stripe_push.telling import Told, tell
from tokentill.stripe_push.untold import CurrencySum, RefusedLink, UntakenDay, Untold, sums_by_currency

PushProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did. Days are counted, one event each.

    Args:
        sums: what is due by all documents, and what of it Stripe has taken by now; one a currency.
        unlinked: who owes something and is linked to no Stripe customer.
        refused: whose Stripe customer does not exist or was deleted; nothing of theirs was sent.
        not_taken: days for which Stripe takes no event, any more or yet; they were not sent.
        rejected: what Stripe, or a meter, does not take.
        unknown: what was not answered, and is sent again by the next push.
    """

    month: Month
    account: str
    mode: str
    sums: tuple[CurrencySum, ...]
    sent: int
    unchanged: int
    unlinked: tuple[str, ...]
    refused: tuple[RefusedLink, ...]
    not_taken: tuple[UntakenDay, ...]
    rejected: tuple[Untold, ...]
    unknown: tuple[Untold, ...]

    @property
    def is_complete(self) -> bool:
        """Whether Stripe took everything."""
        return not (self.unlinked or self.refused or self.not_taken or self.rejected or self.unknown)

    def content(self) -> Content:
        """What `push --json` prints."""
        return {
            "period": str(self.month),
            "complete": self.is_complete,
            **fields_of(
                self,
                "account",
                "mode",
                "sums",
                "sent",
                "unchanged",
                "unlinked",
                "refused",
                "not_taken",
                "rejected",
                "unknown",
            ),
        }


def push_period(
    database: Database,
    month: Month,
    gateway: StripeGateway,
    *,
    clock: Clock,
    progress: PushProgress | None = None,
) -> Pushed:
    """Push what the documents of a period ask for.

    Raises:
        Refused: when nothing was issued, or the key is of another account than before.
        NoAnswer: when Stripe does not say whose key it is, or which meters there are.
    """
    to_tell = tellable(database, month)
    account = gateway.account()
    with database.write() as connection:
        push_rows.pin_account(connection, account.id, is_live=account.is_live)
    meters = {currency: gateway.meter(currency) for currency in to_tell.currencies}
    told = []
    for done, owed in enumerate(to_tell.owed, start=1):
        told.append(tell(database, gateway, owed, meter_id=meters[owed.currency], clock=clock))
        if progress is not None:
            progress(done, len(to_tell.owed))
    pushed = _pushed(month, account, to_tell, told)
    if pushed.sent:
        with database.write() as connection:
            append_audit(connection, "push.finished", pushed.content(), at=clock.now())
    return pushed


def _pushed(month: Month, account: Account, to_tell: Tellable, told: Sequence[Told]) -> Pushed:
    unlinked = [one.customer for one in to_tell.unlinked]
    unlinked += [one.wanted.owed.customer for one in told if one.wanted.is_unlinked]
    return Pushed(
        month,
        account.id,
        account.mode,
        sums_by_currency(
            [
                *to_tell.sums_untold,
                *(CurrencySum(o.currency, o.due_minor, t.in_stripe_minor) for t in told for o in (t.wanted.owed,)),
            ]
        ),
        sum(one.sent for one in told),
        sum(one.unchanged for one in told),
        tuple(dict.fromkeys(unlinked)),
        tuple(dict.fromkeys(link for one in told for link in one.refused)),
        tuple(day for one in told for day in one.not_taken),
        tuple(untold for one in told for untold in one.rejected),
        tuple(untold for one in told for untold in one.unknown),
    )
