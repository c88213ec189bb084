"""Secrets and personal data are planted everywhere, every command is called, and nothing that is written has them.

Looked at are what commands print, every file that they make, and all bytes of the database.
"""

from __future__ import annotations

import json

import pytest

from tests.cli.running import JUNE, Cli, Said, usage
from tokentill.stripe_push import attempts

PERSON = "canary.person@example.org"
OTHER = "canary.other@example.org"
PHONE = "+49 30 99988877"
PROMPT = "canary-prompt-please-write-a-poem"
PASSWORD = "canary-password"
STRIPE = "rk_test_canarystripekey000000000"
BEARER = "canary-bearer-token-1234567890"
PRIVACY = "canary-privacy-key-0123456789abcdef0123"
SECRETS = (PASSWORD, STRIPE, BEARER, PRIVACY, PROMPT)
SETTINGS = """\
[privacy]
key_id = "k1"
key_env = "CANARY_KEY"

[sources.own]
privacy = "hash"

[sources.strict]
privacy = "reject"

[stripe]
api_base = "http://127.0.0.1:9"
"""


def bad_lines() -> bytes:
    """Lines that are no records, in many ways, each with a person and a prompt in it."""
    rows = [
        usage("bad-1", PERSON, quantities={"input": -1}),
        usage("bad-2", PERSON, when=f"{PERSON} 2025"),
        usage(PERSON, PERSON, quantities={"input": -1}),
        usage("bad-4", PERSON, mode=PERSON),
        usage("bad-5", PHONE, **{PERSON: 1}),
        {"prompt": PROMPT, "messages": [{"content": PROMPT}], **usage("bad-6", PERSON)},
        usage("bad-9", PERSON, authorization=f"Bearer {BEARER}"),
        {**usage("bad-7", OTHER), "source": "strict"},
        {**usage("bad-8", PERSON), "source": PERSON + "\0"},
    ]
    lines = [json.dumps(row).encode() for row in rows]
    lines += [
        b'{"messages":[{"content":"%s' % PROMPT.encode(),
        b'{"content":"%s%s"}' % (PROMPT.encode(), b"x" * 2_000_000),
    ]
    lines += [f'{{"user":"{PERSON}","user":"{PERSON}"'.encode(), PERSON.encode(), b'"' + PERSON.encode() + b"\xff"]
    return b"\n".join(lines) + b"\n"


@pytest.fixture
def planted(cli: Cli) -> Cli:
    cli.write_pricing()
    cli.write("tokentill.toml", SETTINGS)
    cli.patch.setenv("CANARY_KEY", PRIVACY)
    cli.patch.setenv("TOKENTILL_STRIPE_KEY", STRIPE)
    cli.patch.setattr(attempts, "WAITS_SECONDS", (0,) * attempts.TRIES)  # nobody answers at that address
    return cli


def call_everything(cli: Cli, *, erasing: bool = True) -> list[Said]:
    """A month with every command, and calls that fail."""
    good = json.dumps(usage("g-1", PERSON)).encode() + b"\n" + json.dumps(usage("g-2", None)).encode() + b"\n"
    said: list[Said] = []

    def call(*arguments: str, stdin: bytes = b"") -> Said:
        said.extend(cli(*arguments, *more, status=None, stdin=stdin) for more in ((), ("--json",)))
        return said[-1]

    call("ingest", "-", stdin=good + bad_lines())
    call("ingest", "-", "--stage", "looked at", stdin=json.dumps(usage("s-1", PERSON)).encode() + b"\n" + bad_lines())
    hashed = call("customers", "pseudonym", "-", stdin=PERSON.encode() + b"\n").json.get("pseudonyms")
    pseudonym = hashed[0]["id"] if hashed else PERSON
    call("customers", "bind", pseudonym, "dune")
    call("customers", "set", "dune", "--stripe", "cus_1")
    for command in ("revisions", "quarantine", "imports", "retractions"):
        call("usage", command, "list")
    for line in cli("usage", "quarantine", "list", "--json").json["quarantined"]:
        call("usage", "quarantine", "show", line["id"])
    call("usage", "quarantine", "retry", "--file", "stdin", "--reason", "again")
    call("usage", "imports", "show", "1")
    for key in ("customer", "user", "model", "day", "source", "key"):
        call("usage", "--by", key)
    call("trace", "own", "g-1")
    call("status", JUNE)
    call("preview", JUNE)
    call("review", "approve", JUNE, "--all")
    call("close", JUNE)
    call("push", JUNE)
    call("reconcile", JUNE)
    call("invoices", "list")
    call("invoices", "journal", JUNE)
    call("explain", "INV-000001")
    call("report", "close", JUNE)
    call("verify")
    call("db", "check")
    call("customers", "list")
    if erasing:
        call("customers", "erase-user", pseudonym, "--reason", "asked for it")
    call("--db", f"postgresql://till:{PASSWORD}@127.0.0.1:9/till", "status", JUNE)
    call("--db", f"postgresql://till:{PASSWORD}@[bad/till", "status", JUNE)
    call("--db", f"mysql://till:{PASSWORD}@127.0.0.1/till", "db", "check")
    cli("preview", JUNE, "--html", "pages", status=None)
    cli("invoices", "export", JUNE, "--output", "rows.csv", status=None)
    return said


def written(cli: Cli) -> dict[str, bytes]:
    """Every file of the folder that the test did not write itself, and the cache."""
    folders = (cli.folder, cli.folder.with_name(f"{cli.folder.name}-cache"))
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in files if path.name != "tokentill.toml"}


def test_no_secret_and_no_person_is_in_anything_that_is_written(planted: Cli) -> None:
    said = call_everything(planted)
    assert sum(one.status == 0 for one in said) > 30, [one.err for one in said if one.status]
    files = written(planted)
    assert any(name.endswith("tokentill.db") for name in files)
    for canary in (*SECRETS, PERSON, OTHER, PHONE):
        assert [one for one in said if canary in one.out + one.err] == [], canary
        assert [name for name, content in files.items() if canary.encode() in content] == [], canary


def test_the_canaries_are_found_where_nobody_hides_them(planted: Cli) -> None:
    """Otherwise the test above could not fail."""
    planted.write("tokentill.toml", "")
    said = call_everything(planted, erasing=False)
    files = written(planted)
    assert any(PERSON in one.out + one.err for one in said)
    assert any(PERSON.encode() in content for content in files.values())
    for secret in SECRETS:
        assert not any(secret in one.out + one.err for one in said), secret
        assert not any(secret.encode() in content for content in files.values()), secret

    assert PERSON.encode() in files[str(planted.folder / "tokentill.db")]
    planted("customers", "erase-user", PERSON, "--reason", "asked for it")
    assert PERSON.encode() not in (planted.folder / "tokentill.db").read_bytes()
