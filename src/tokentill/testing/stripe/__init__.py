"""A Stripe that can be broken on purpose: meters on loopback, for tests and for trying tokentill out.

It keeps to what Stripe documents of meters, meter events and their summaries, makes what is undocumented a setting,
and takes no live key. Nothing in the push knows of it.
"""

from __future__ import annotations

from tokentill.testing.stripe.exchange import API_KEY
from tokentill.testing.stripe.faults import FaultKind, PlannedFault
from tokentill.testing.stripe.metering import Behaviour
from tokentill.testing.stripe.network import LoggedRequest
from tokentill.testing.stripe.server import StripeStandIn

__all__ = ["API_KEY", "Behaviour", "FaultKind", "LoggedRequest", "PlannedFault", "StripeStandIn"]
