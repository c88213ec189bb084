"""`POST /v1/usage` takes what files take, answers for each record, and may be sent again; tried over real HTTP."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests.builders import MovableClock, record, till
from tokentill.errors import InvalidCall
from tokentill.receiving import usage_handler
from tokentill.receiving.usage_handler import UsageHandler
from tokentill.store import tables
from tokentill.store.database import Database
from tokentill.till import Till

TOKEN = "0123456789abcdef-token"
JSON_LINES = "application/x-ndjson"

pytestmark = pytest.mark.postgresql_one_in(2)


class Served:
    """A handler that a server of the standard library has mounted, and a client of it."""

    def __init__(self, handler: UsageHandler) -> None:
        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                headers = dict(self.headers.items())
                answer = handler.refusal(self.command, self.path, headers)
                if answer is None:
                    body = self.rfile.read(int(headers["Content-Length"]))
                    answer = handler.answer(self.command, self.path, headers, body)
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def do_GET(self) -> None:
                self.do_POST()

            def do_PUT(self) -> None:
                self.do_POST()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/usage"

    def send(
        self, content: bytes, *, token: str = TOKEN, kind: str = JSON_LINES, query: str = "", **headers: str
    ) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return httpx.post(self.url + query, content=content, headers=headers)


@pytest.fixture
def shop(database: Database) -> Till:
    return till(database, clock=MovableClock())


@pytest.fixture
def served(shop: Till) -> Iterator[Served]:
    one = Served(shop.usage_handler(TOKEN))
    yield one
    one.server.shutdown()
    one.server.server_close()


def lines(*records: Any) -> bytes:
    return b"".join(one.content_bytes() + b"\n" for one in records)


def usage_count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.usage)).scalar_one()


def outcomes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["outcome"] for one in answer.json()["records"]]


def test_each_record_has_an_answer_and_the_counts_add_up(served: Served, shop: Till) -> None:
    shop.ingest([record("old"), record("other", input=5)])
    bad = b'{"source":"arouter","record_id":"bad","model":"m","occurred_at":"yesterday","quantities":{}}\n'
    answer = served.send(lines(record("new"), record("old"), record("other", input=6), record("new")) + bad)

    assert outcomes(answer) == ["accepted", "duplicate", "revision", "duplicate", "quarantined"]
    told = answer.json()
    assert [told[name] for name in ("read", "accepted", "duplicates", "revisions", "quarantined")] == [5, 1, 2, 1, 1]
    assert told["records"][0] == {"source": "arouter", "record_id": "new", "outcome": "accepted"}
    assert (told["records"][4]["line"], told["records"][4]["record_id"]) == (5, "bad")
    assert "yesterday" in told["records"][4]["reason"]


def test_a_request_that_is_sent_again_changes_nothing(served: Served, shop: Till) -> None:
    body = lines(record("a"), record("b"), record("b", input=9)) + b"{broken\n"
    first, again = served.send(body), served.send(b"{broken\n" + body)

    assert outcomes(first) == ["accepted", "accepted", "revision", "quarantined"]
    assert outcomes(again) == ["quarantined", "duplicate", "duplicate", "revision", "quarantined"]
    assert usage_count(shop.store) == 2
    assert len(shop.quarantine().lines) == 1
    assert len(shop.revisions().revisions) == 1


def test_what_somebody_rejected_is_a_duplicate(served: Served, shop: Till) -> None:
    shop.ingest([record("a")])
    shop.ingest([record("a", input=5)])
    shop.reject_revision("arouter", "a", reason="no")

    assert outcomes(served.send(lines(record("a", input=5), record("a", input=6)))) == ["duplicate", "revision"]


def test_a_record_of_an_erased_user_is_a_duplicate(served: Served, shop: Till) -> None:
    shop.ingest([record("a", user="jane"), record("b", api_key="k")])
    shop.erase_user("jane", reason="asked for it")

    again = lines(record("a", user="jane"), record("b", api_key="k", tags=["team=red"]), record("c", user="jane"))
    assert outcomes(served.send(again)) == ["duplicate", "duplicate", "accepted"]
    assert outcomes(served.send(lines(record("a", user="jim")))) == ["duplicate"]


@pytest.mark.parametrize("form", ["lines", "list", "gzip", "csv", "source"])
def test_it_takes_what_files_may_hold(served: Served, shop: Till, form: str) -> None:
    rows = [json.loads(one.content_bytes()) for one in (record("a"), record("b"))]
    spend = {"request_id": "a", "startTime": "2026-10-01 00:00:00", "model": "m", "prompt_tokens": 1, "spend": 0.1}
    spend |= {"completion_tokens": 2, "total_tokens": 3}
    answer = {
        "lines": lambda: served.send(lines(record("a"), record("b"))),
        "list": lambda: served.send(json.dumps(rows).encode(), kind="application/json; charset=utf-8"),
        "gzip": lambda: served.send(gzip.compress(lines(record("a"), record("b"))), Content_Encoding="gzip"),
        "csv": lambda: served.send(
            b"source,record_id,occurred_at,model,input\nx,a,2026-10-01T00:00:00Z,m,5\nx,b,2026-10-01T00:00:00Z,m,6\n",
            kind="text/csv",
        ),
        "source": lambda: served.send(
            json.dumps([spend, {**spend, "request_id": "b"}]).encode(),
            kind="application/json",
            query="?source=team-a&format=litellm",
        ),
    }[form]()

    assert outcomes(answer) == ["accepted", "accepted"]
    assert usage_count(shop.store) == 2
    assert form != "source" or answer.json()["records"][0]["source"] == "team-a"


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (401, {"token": "x"}),
        (401, {"token": TOKEN[:-1]}),
        (401, {"token": TOKEN + "x"}),
        (404, {"query": "/other"}),
        (400, {"query": "?from=2026"}),
        (400, {"query": "?source=a&source=b"}),
        (400, {"query": "?format=nonsense"}),
        (400, {"content": gzip.compress(b"{}" * 999)[:-9], "Content_Encoding": "gzip"}),
        (400, {"Content_Encoding": "gzip"}),
        (400, {"content": gzip.compress(b" " * 80_000_000), "Content_Encoding": "gzip"}),
        (400, {"content": b"PK\x03\x04 a zip"}),
        (413, {"content": b" " * (usage_handler.BODY_BYTES_MAX + 1)}),
        (415, {"kind": "text/html"}),
        (415, {"Content_Encoding": "br"}),
    ],
)
def test_a_wrong_request_is_refused_and_nothing_of_it_stored(
    served: Served, shop: Till, status: int, request_: dict[str, Any]
) -> None:
    answer = served.send(**{"content": lines(record("a")), **request_})

    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]
    assert TOKEN not in answer.text
    assert usage_count(shop.store) == 0


def test_other_methods_and_bodies_without_a_length_are_refused(served: Served) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": JSON_LINES}
    assert httpx.get(served.url, headers=headers).status_code == 405
    assert httpx.put(served.url, headers=headers).headers["Allow"] == "POST"
    assert httpx.post(served.url, headers=headers, content=iter([b"{}"])).status_code == 411


def test_a_body_with_too_many_records_is_sent_in_parts(
    served: Served, shop: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_handler, "OBJECTS_MAX", 2)
    assert served.send(lines(record("a"), record("b"), record("c"))).status_code == 413
    assert usage_count(shop.store) == 0


def test_a_database_that_fails_is_told_and_the_request_may_be_sent_again(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = till(sqlite_database, clock=MovableClock())
    handler = shop.usage_handler(TOKEN)
    body = lines(record("a"))
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": JSON_LINES, "Content-Length": str(len(body))}
    with monkeypatch.context() as patch:
        patch.setattr(usage_handler, "ingest", _full)
        answer = handler.answer("POST", "/v1/usage", headers, body)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert usage_count(sqlite_database) == 0
    assert handler.answer("POST", "/v1/usage", headers, body).status == 200


def _full(*_: object, **__: object) -> None:
    from tokentill.errors import Refused

    raise Refused("the database failed: disk is full; nothing was half done")


def test_two_that_send_the_same_at_once_store_it_once(served: Served, shop: Till) -> None:
    body = lines(*(record(f"r{number}") for number in range(50)))
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(served.send(body))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.json()["accepted"] for answer in answers) == [0, 0, 0, 50]
    assert usage_count(shop.store) == 50


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=12))
def test_what_is_told_of_each_is_what_a_model_says(sqlite_database: Database, sent: list[tuple[str, int]]) -> None:
    handler = UsageHandler(sqlite_database, TOKEN, clock=MovableClock())
    with sqlite_database.read() as connection:
        rows = connection.execute(select(tables.usage.c.record_id, tables.usage.c.input)).all()
    first = {row.record_id: row.input for row in rows}
    expected = []
    for name, amount in sent:
        known = first.setdefault(name, amount) if name in first else None
        expected.append("accepted" if known is None else "duplicate" if known == amount else "revision")
        first.setdefault(name, amount)
    body = lines(*(record(name, input=amount) for name, amount in sent))
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": JSON_LINES, "Content-Length": str(len(body))}
    answer = handler.answer("POST", "/v1/usage", headers, body)

    assert [one["outcome"] for one in answer.document["records"]] == expected


@pytest.mark.parametrize("token", ["", "short", "with a blank in it all", "\u00e4" * 20])
def test_a_token_that_could_be_guessed_is_refused(shop: Till, token: str) -> None:
    with pytest.raises(InvalidCall, match="token="):
        shop.usage_handler(token)
