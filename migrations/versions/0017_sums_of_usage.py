"""Sums of usage are kept beside the records, by day, series and band of input totals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tokentill.store.schema_changes import guard

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LEAVES = """input cache_read cache_write_5m cache_write_1h cache_write input_audio input_audio_cache_read input_image
input_image_cache_read input_video output reasoning output_audio output_image""".split()
COUNTED = ("with_cost", "at_no_cost", *LEAVES, "cost_e8", "cost_e16", "cost_e24")
KEY = ("day", "series_id", "band", "facts")
BANDS = (100_000, 128_000, 199_999, 200_000, 272_000, 512_000)
OUTPUTS = ("output", "reasoning", "output_audio", "output_image")

NOTHING = " AND ".join(
    (
        "input_total = 0",
        *(f"{leaf} = 0" for leaf in OUTPUTS),
        "NOT EXISTS (SELECT 1 FROM usage_unit WHERE usage_id = usage.id AND quantity > 0)",
    )
)
COSTS = "has_cost = 1 AND (cost_e8 > 0 OR cost_e16 > 0 OR cost_e24 > 0)"
NO_RESULT = " AND ".join(
    (
        *(f"{name} = 0" for name in (*OUTPUTS, "cost_e8", "cost_e16", "cost_e24")),
        "NOT EXISTS (SELECT 1 FROM usage_unit WHERE usage_id = usage.id AND quantity > 0 AND name <> 'request')",
    )
)
FREE = "has_cost = 1 AND cost_e8 = 0 AND cost_e16 = 0 AND cost_e24 = 0"


def withdrawn(cause: str, upto: str) -> str:
    """Whether a row is withdrawn for a cause at a sequence number."""
    return f"EXISTS (SELECT 1 FROM withdrawal WHERE usage_id = usage.id AND cause = '{cause}' AND seq <= {upto})"


def changes(sign: int, at: str, where: str) -> str:
    """Rows of usage as they count at a sequence number."""
    bits = (withdrawn("waiver", at), f"{NOTHING} AND {COSTS}", withdrawn("acceptance", at), FREE, NO_RESULT)
    facts = " + ".join(f"CASE WHEN {holds} THEN {1 << bit} ELSE 0 END" for bit, holds in enumerate(bits))
    bands = " + ".join(f"CASE WHEN input_total > {limit} THEN 1 ELSE 0 END" for limit in BANDS)
    return f"""SELECT {sign} AS sign, id, input_total, occurred_at / 86400000000 AS day, series_id, {bands} AS band,
{facts} AS facts,
has_cost AS with_cost, CASE WHEN {FREE} AND NOT ({NOTHING}) THEN 1 ELSE 0 END AS at_no_cost,
{", ".join(COUNTED[2:])} FROM usage
WHERE {where} AND NOT {withdrawn("revision", at)} AND NOT {withdrawn("retraction", at)}"""


def changed_by_seq() -> str:
    """What a sequence number added and what it took away."""
    gone = "id IN (SELECT usage_id FROM withdrawal WHERE seq = :seq) AND seq < :seq"
    parts = (changes(1, ":seq", "seq = :seq"), changes(-1, ":seq - 1", gone), changes(1, ":seq", gone))
    return f"({' UNION ALL '.join(parts)}) AS changes"


def fill_statements() -> tuple[sa.TextClause, sa.TextClause]:
    """What fills both tables for one sequence number."""
    key, of = ", ".join(KEY), changed_by_seq()
    sums = ", ".join(f"CAST(sum(sign * {name}) AS BIGINT)" for name in COUNTED)
    return (
        sa.text(
            f"INSERT INTO usage_sum ({key}, seq, input_min, input_max, requests, {', '.join(COUNTED)})"
            f" SELECT {key}, :seq, min(input_total), max(input_total), sum(sign), {sums} FROM {of} GROUP BY {key}"
        ),
        sa.text(
            f"INSERT INTO usage_sum_unit ({key}, seq, name, quantity)"
            f" SELECT {key}, :seq, name, CAST(sum(sign * quantity) AS BIGINT) FROM {of}"
            f" JOIN usage_unit ON usage_id = id GROUP BY {key}, name"
        ),
    )


def upgrade() -> None:
    make_table("usage_sum", (), ("input_min", "input_max", "requests", *COUNTED))
    make_table("usage_sum_unit", ("name",), ("quantity",))
    connection = op.get_bind()
    for seq in connection.execute(sa.text("SELECT seq FROM batch ORDER BY seq")).scalars().all():
        for statement in fill_statements():
            connection.execute(statement, {"seq": seq})
    for table, named in (("usage_sum", ()), ("usage_sum_unit", ("name",))):
        guard(table, " AND ".join(f"{name} = NEW.{name}" for name in (*KEY, "seq", *named)))


def downgrade() -> None:
    """Go back: the records say the same."""
    for table in ("usage_sum_unit", "usage_sum"):
        op.drop_table(table)


def make_table(name: str, named: tuple[str, ...], counted: tuple[str, ...]) -> None:
    op.create_table(
        name,
        *(sa.Column(key, BIG if key == "series_id" else sa.Integer(), nullable=False) for key in KEY),
        sa.Column("seq", BIG, nullable=False),
        *(sa.Column(column, sa.Text(), nullable=False) for column in named),
        *(sa.Column(column, BIG, nullable=False) for column in counted),
        sa.PrimaryKeyConstraint(*KEY, "seq", *named, name=f"pk_{name}"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=f"fk_{name}_series"),
        sa.ForeignKeyConstraint(["seq"], ["batch.seq"], name=f"fk_{name}_batch"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
