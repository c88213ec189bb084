"""A Stripe that can be broken on purpose: meters on loopback, for tests and for trying tokentill out.

It keeps to what Stripe documents of meters, meter events and their summaries, makes what is undocumented a setting,
and takes no live key. Nothing in the push knows of it.
"""

from __future__ import annotations

from tokentill.stripe_push.standin.exchange import API_KEY
from tokentill.stripe_push.standin.faults import Fault, FaultKind
from tokentill.stripe_push.standin.metering import Behaviour
from tokentill.stripe_push.standin.network import LoggedRequest
from tokentill.stripe_push.standin.server import StripeStandIn

__all__ = ["API_KEY", "Behaviour", "Fault", "FaultKind", "LoggedRequest", "StripeStandIn"]
