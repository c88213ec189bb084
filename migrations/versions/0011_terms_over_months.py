"""The ledger holds what a commitment over a term came to, and opening balances that were brought forward."""

from __future__ import annotations

from tokentill.store.schema_changes import change_check, refuse_to_lose

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CHECK = ("ledger", "ck_ledger_kind")
KINDS = "'coupon', 'credit', 'balance', 'invoiced', 'tax'"
NEW = "'commitment', 'overage', 'true_up', 'opening'"
BEFORE, AFTER = f"kind IN ({KINDS})", f"kind IN ({KINDS}, {NEW})"


def upgrade() -> None:
    change_check(*CHECK, BEFORE, AFTER)


def downgrade() -> None:
    """Go back while no document has a commitment or an opening balance."""
    found = f"SELECT count(*) FROM ledger WHERE kind IN ({NEW})"
    refuse_to_lose({"rows of commitments and opening balances": found})
    change_check(*CHECK, AFTER, BEFORE)
