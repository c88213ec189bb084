"""Guards for what decides an invoice and had none: sources, series, close runs and counters.

Sources and series stay as they are. A run keeps its pins and ends once; a counter goes up by one at a time. The next
migration that brings a new counter has to take the guard of counters away and put it back.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APPEND_ONLY = {"series": ("id", "digest"), "source": ("id", "name")}
"""Tables whose rows stay for good, with their unique keys."""

RUN_KEPT = ("id", "period", "pins", "started_at", "asked")
RUN_REFUSED = "a close run keeps its pins and ends once"
COUNTER_REFUSED = "a counter goes up by one and is never removed"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        guard_on_sqlite()
    else:
        guard_on_postgresql()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in (*APPEND_ONLY, "close_run", "counter"):
            for change in ("update", "delete", "insert"):
                op.execute(f"DROP TRIGGER guard_{table}_{change}")
        return
    for table in (*APPEND_ONLY, "close_run", "counter"):
        for change in ("rows", "truncate"):
            op.execute(f"DROP TRIGGER guard_{table}_{change} ON {table}")
    op.execute("DROP FUNCTION tokentill_run_ends_once()")
    op.execute("DROP FUNCTION tokentill_counter_goes_up()")


def guard_on_sqlite() -> None:
    """Refuse by trigger. Those before INSERT are for INSERT OR REPLACE, which deletes without asking others."""
    for table, keys in APPEND_ONLY.items():
        met = " OR ".join(f"{name} = NEW.{name}" for name in keys)
        guard(table, "update", "", f"{table} is append-only")
        guard(table, "delete", "", f"{table} is append-only")
        guard(table, "insert", f"EXISTS (SELECT 1 FROM {table} WHERE {met})", f"{table} is append-only")
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in RUN_KEPT)
    guard(
        "close_run",
        "update",
        f"{changed} OR OLD.state <> 'open' OR NEW.epoch < OLD.epoch"
        " OR (NEW.state = 'open') <> (NEW.finished_at IS NULL)",
        RUN_REFUSED,
    )
    guard("close_run", "delete", "", RUN_REFUSED)
    same = "id = NEW.id OR (period = NEW.period AND state = 'open' AND NEW.state = 'open')"
    guard("close_run", "insert", f"EXISTS (SELECT 1 FROM close_run WHERE {same})", RUN_REFUSED)
    guard("counter", "update", "NEW.name IS NOT OLD.name OR NEW.value <> OLD.value + 1", COUNTER_REFUSED)
    guard("counter", "delete", "", COUNTER_REFUSED)
    guard("counter", "insert", "", COUNTER_REFUSED)


def guard(table: str, change: str, condition: str, message: str) -> None:
    """Refuse a change of a table, where the condition holds or always."""
    when = f" WHEN {condition}" if condition else ""
    op.execute(
        f"CREATE TRIGGER guard_{table}_{change} BEFORE {change.upper()} ON {table}{when}"
        f" BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def guard_on_postgresql() -> None:
    """Refuse by trigger, for rows and for TRUNCATE."""
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in RUN_KEPT)
    op.execute(
        "CREATE FUNCTION tokentill_run_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP = 'UPDATE' THEN IF NOT ({changed} OR OLD.state <> 'open' OR NEW.epoch < OLD.epoch"
        " OR (NEW.state = 'open') <> (NEW.finished_at IS NULL)) THEN RETURN NEW; END IF; END IF;"
        f" RAISE EXCEPTION '{RUN_REFUSED}'; END $$"
    )
    op.execute(
        "CREATE FUNCTION tokentill_counter_goes_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF TG_OP = 'UPDATE' THEN IF NEW.name = OLD.name AND NEW.value = OLD.value + 1"
        " THEN RETURN NEW; END IF; END IF;"
        f" RAISE EXCEPTION '{COUNTER_REFUSED}'; END $$"
    )
    functions = dict.fromkeys(APPEND_ONLY, "tokentill_refuse")
    functions |= {"close_run": "tokentill_run_ends_once", "counter": "tokentill_counter_goes_up"}
    for table, function in functions.items():
        events = "INSERT OR UPDATE OR DELETE" if table == "counter" else "UPDATE OR DELETE"
        op.execute(
            f"CREATE TRIGGER guard_{table}_rows BEFORE {events} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        op.execute(
            f"CREATE TRIGGER guard_{table}_truncate BEFORE TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )
