"""What a set of contracts no longer states that an earlier set did: customers, plans and rules.

Contracts are only ever added to. A set that lacks something which another one had was read from another folder, or
somebody removed or edited a file; a recording of kind `removal` says that it was meant. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tokentill.canonical import Content


def lost_statements(before: Iterable[Content], after: Iterable[Content]) -> tuple[str, ...]:
    """What some contracts state that others do not, and that no removal among these names; sorted."""
    after = list(after)
    kept = {statement for content in after for statement in statements(content)}
    removed = {named for content in after if content["kind"] == "removal" for named in content["removes"]}
    return tuple(sorted({one for content in before for one in statements(content)} - kept - removed, key=str.encode))


def statements(content: Content) -> Iterator[str]:
    """What a recording states, by name: `customer acme`, `rule "markup" of plan pro`."""
    kind = content["kind"]
    if kind not in ("customer", "plan", "default"):
        return
    whose = "the default contract" if kind == "default" else f"{kind} {content['id']}"
    yield whose
    for number, rule in enumerate(content.get("rule", ()), start=1):
        yield f'rule "{rule.get("name", number)}" of {whose}'
