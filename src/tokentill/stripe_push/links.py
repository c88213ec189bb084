"""Whether the Stripe customer that a customer is linked to is there: looked up when it is linked, and before a push."""

from __future__ import annotations

from collections.abc import Iterable

from tokentill.errors import NotFound
from tokentill.store.database import Database
from tokentill.store.issued.push_rows import require_account
from tokentill.stripe_push.gateway import StripeGateway


def require_link(database: Database, gateway: StripeGateway, stripe_customer: str) -> None:
    """See that a Stripe customer can be linked to.

    Raises:
        NotFound: when it does not exist, or was deleted.
        Refused: when the key is of another account than the database pushes to.
    """
    account = gateway.account()
    with database.read() as connection:
        require_account(connection, account.id, is_live=account.is_live)
    try:
        gateway.require_customer(stripe_customer)
    except NotFound as missing:
        raise NotFound(
            f"{missing} (account {account.id}, {account.mode} mode), so nothing was changed; look the id up in Stripe"
        ) from missing


def gone_among(gateway: StripeGateway, stripe_customers: Iterable[str]) -> dict[str, str]:
    """Those that Stripe does not bill, each with the reason.

    Raises:
        NoAnswer: when Stripe does not answer.
    """
    gone = {}
    for stripe_customer in sorted(set(stripe_customers)):
        try:
            gateway.require_customer(stripe_customer)
        except NotFound as missing:
            gone[stripe_customer] = str(missing)
    return gone
