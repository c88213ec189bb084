"""The triggers that keep stored rows from being changed: which ones there must be, and whether they are there.

The lists hold a hash of each definition; a test holds them equal to what the migrations make. Triggers that somebody
added beside them are left alone.
"""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import Connection, text

SQLITE = {
    "guard_audit_delete": "0e4ae4e9b6f3eabe",
    "guard_audit_insert": "ad8c976df1d4afcd",
    "guard_audit_update": "600b91237226be87",
    "guard_batch_delete": "69bd4f57d9d2560a",
    "guard_batch_insert": "35db1e519d559b48",
    "guard_batch_update": "37d3a9702691f6a5",
    "guard_binding_delete": "39fb6c04a2bc76f6",
    "guard_binding_insert": "1f731bb784d548eb",
    "guard_binding_update": "88a16f6ec1d967e2",
    "guard_close_run_delete": "28746e92cd159fc7",
    "guard_close_run_insert": "ff2e545df9070af4",
    "guard_close_run_update": "0bf25c76f8af82f5",
    "guard_counter_delete": "acfc7caf44982ddc",
    "guard_counter_insert": "1fb8cf1e4a40a7ef",
    "guard_counter_update": "7826a7f3d06df055",
    "guard_coverage_delete": "1cf73e4ada7647bd",
    "guard_coverage_insert": "f48ffc0d028f608b",
    "guard_coverage_update": "e88e195b95c6a1d8",
    "guard_document_event_delete": "062b530b0541a7b9",
    "guard_document_event_insert": "df807fcfda29e887",
    "guard_document_event_update": "dcaa728654c2d3f1",
    "guard_document_event_void": "6a87c1db008648a3",
    "guard_invoice_delete": "dc7a04fc308bf21c",
    "guard_invoice_insert": "3ab72fba3bfe6a1e",
    "guard_invoice_line_delete": "305b752b68fe31fe",
    "guard_invoice_line_insert": "f1d908d310c8a0d2",
    "guard_invoice_line_update": "5e73297765714f4b",
    "guard_invoice_update": "a59122e1b426b3a5",
    "guard_invoice_void": "0086c82c36d2165e",
    "guard_ledger_delete": "bf0d9b7d6fa482b1",
    "guard_ledger_insert": "e47e9a55207b4c02",
    "guard_ledger_update": "b1a8d5a435f0256c",
    "guard_member_period_delete": "cfd677cae7e1a666",
    "guard_member_period_insert": "6b47f69897797ca4",
    "guard_member_period_update": "112b298cbac4747a",
    "guard_quarantine_decision_delete": "178575f3f31ae4f3",
    "guard_quarantine_decision_insert": "2a5b39c918472e3b",
    "guard_quarantine_decision_update": "7fc43d61b5fbb160",
    "guard_quarantine_delete": "7df9e4a646f6b2ae",
    "guard_quarantine_insert": "311a41b43cdbf8e5",
    "guard_quarantine_update": "311822349f87ac0f",
    "guard_recording_delete": "9e885090a3576b52",
    "guard_recording_insert": "42060e4bdf997f84",
    "guard_recording_update": "da946a5eb6c3b84d",
    "guard_review_delete": "f31d32b3797651d7",
    "guard_review_insert": "dd79efa127073481",
    "guard_review_update": "8e5d5a212b245f77",
    "guard_revision_decision_delete": "892538f939e68b38",
    "guard_revision_decision_insert": "c2a4c7a72016bdfe",
    "guard_revision_decision_update": "8a4f88a23404337d",
    "guard_revision_delete": "9c1df3a9c2b6ee9f",
    "guard_revision_insert": "7a8e6aa026022dfb",
    "guard_revision_update": "873ffea1f8d99797",
    "guard_series_delete": "9bcc5efb538dd432",
    "guard_series_insert": "8235d8b7f01345ae",
    "guard_series_month_delete": "70ad57c25641d741",
    "guard_series_month_insert": "06333554d8192662",
    "guard_series_month_update": "221e89d068730159",
    "guard_series_update": "5137903a26c9ee7f",
    "guard_source_delete": "aef904f6f354b2b5",
    "guard_source_insert": "d09284feaf9522b9",
    "guard_source_update": "d6b03946fb0a3bd7",
    "guard_usage_delete": "c690cbbc17217761",
    "guard_usage_insert": "d4c1d11fc2ace849",
    "guard_usage_unit_delete": "08a662ec87c3c6ce",
    "guard_usage_unit_insert": "fdf348ba31b3684e",
    "guard_usage_unit_update": "cfbb4115a0c2a4b9",
    "guard_usage_update": "4ff4d302f8cdb72c",
    "guard_withdrawal_delete": "39c9600cd6d6d6e5",
    "guard_withdrawal_insert": "8ae51e9b5f3367a4",
    "guard_withdrawal_update": "bd5051155c4c2a00",
}
POSTGRESQL = {
    "guard_audit_rows": "7609e6a91b6a1c7c",
    "guard_audit_truncate": "d169fd5505f2e129",
    "guard_batch_rows": "50966e81b18d23c1",
    "guard_batch_truncate": "0bf36d28e290d346",
    "guard_binding_rows": "4be9ba2dd13b1251",
    "guard_binding_truncate": "670fc8c2ca237e30",
    "guard_close_run_rows": "821797aff5873e23",
    "guard_close_run_truncate": "619ac0d7d69d060b",
    "guard_counter_rows": "6688060fdebf4fd0",
    "guard_counter_truncate": "3642c947a81310b7",
    "guard_coverage_rows": "45fd61ad218c1c7b",
    "guard_coverage_truncate": "1040325b7222776c",
    "guard_document_event_rows": "0697c51bf40b1530",
    "guard_document_event_truncate": "96267a4fa2e5483a",
    "guard_document_event_void": "334748f6cb8dd9f0",
    "guard_invoice_line_rows": "3f5e67ff1f0c0820",
    "guard_invoice_line_truncate": "b5465e8bc86ce56e",
    "guard_invoice_rows": "f7bf9153599bc4ff",
    "guard_invoice_truncate": "76b2cdc2bd4c6b02",
    "guard_invoice_update": "b723dd85070d77c3",
    "guard_invoice_void": "f07713ce4fd294a4",
    "guard_ledger_rows": "f4cf1b5f50f98f09",
    "guard_ledger_truncate": "07f50df6b0913cb1",
    "guard_member_period_rows": "66c47bb441480ba6",
    "guard_member_period_truncate": "7c70b5423632aec7",
    "guard_quarantine_decision_rows": "e7b188a0f8825a4d",
    "guard_quarantine_decision_truncate": "7b83ef16bbb4ae1c",
    "guard_quarantine_rows": "2246f06893abcc57",
    "guard_quarantine_truncate": "cadb89d5d3e5becd",
    "guard_recording_rows": "9a8c5d7510ee8f09",
    "guard_recording_truncate": "c60f3fed5e821fbc",
    "guard_review_rows": "b5ae67acdbab2ec2",
    "guard_review_truncate": "e3575a5260cdcc22",
    "guard_revision_decision_rows": "cbb25756b340aa04",
    "guard_revision_decision_truncate": "903ab95deddb6171",
    "guard_revision_rows": "e61d4053d2bd38a7",
    "guard_revision_truncate": "d7ecd6d5536ef94f",
    "guard_series_month_rows": "3e007da96f162092",
    "guard_series_month_truncate": "29b688427755c864",
    "guard_series_rows": "463399ab5937c453",
    "guard_series_truncate": "c4d1c388c5018f0a",
    "guard_source_rows": "62b2203a868f6a38",
    "guard_source_truncate": "6144af1f9d09ae35",
    "guard_usage_rows": "60dc4ba4978b85ab",
    "guard_usage_truncate": "4113ddee6ac55bdb",
    "guard_usage_unit_rows": "f1f1f9c767e2fb7b",
    "guard_usage_unit_truncate": "e2bbdb440b6dc358",
    "guard_withdrawal_rows": "d2df12e35a3258b5",
    "guard_withdrawal_truncate": "d740b2a6a7ea8170",
}


def expected_guards(dialect: str) -> dict[str, str]:
    """Each guard that a database of this kind must have, with the hash of its definition."""
    return SQLITE if dialect == "sqlite" else POSTGRESQL


def guards_of(connection: Connection) -> dict[str, str]:
    """Each guard that a database has, with the hash of its definition; `disabled` where it is switched off."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name, sql, 1 FROM sqlite_master WHERE type = 'trigger'"))
    else:
        # With the function, since what a trigger does stands there; without the name of the schema that all is in.
        rows = connection.execute(
            text(
                "SELECT t.tgname, replace(pg_get_triggerdef(t.oid) || ' ' || pg_get_functiondef(t.tgfoid),"
                " quote_ident(n.nspname) || '.', ''), t.tgenabled IN ('O', 'A') FROM pg_trigger t"
                " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE NOT t.tgisinternal AND n.nspname = current_schema()"
            )
        )
    return {
        name: sha256(" ".join(definition.split()).encode()).hexdigest()[:16] if is_on else "disabled"
        for name, definition, is_on in rows
        if name.startswith("guard_")
    }


def guard_faults(connection: Connection) -> list[str]:
    """Which guards are missing, switched off, or not what they should be."""
    present = guards_of(connection)
    faults = []
    for name, definition in expected_guards(connection.dialect.name).items():
        if present.get(name) != definition:
            table = name.removeprefix("guard_").rpartition("_")[0]
            state = {None: "is missing", "disabled": "is switched off"}.get(present.get(name), "was changed")
            faults.append(
                f"the trigger {name} {state}, so rows of {table} could be changed by hand;"
                " compare them with a backup, and make it again as migrations/versions do"
            )
    return faults
