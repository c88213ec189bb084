"""What differs between two computations of one invoice, line by line and step by step.

Pure. Works from canonical content, so that it compares what was stored with what would be computed now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tokentill.canonical import Content, fields_of
from tokentill.money import EXACT, ZERO, amount_text

AMOUNTS = ("subtotal", "tax", "total", "due")


@dataclass(frozen=True, slots=True)
class LineDifference:
    """What a line has more than before, or less; `amount` and `before` and `after` are in the invoice's currency.

    `before` or `after` is None where the line is on one of the two alone. `changed` names what else is different of it:
    its price entry, its rule. `corrects` is the document that an adjustment corrects.
    """

    customer: str | None
    kind: str
    description: str
    rule: str | None
    requests: int
    quantities: Mapping[str, int]
    exact_amount: Decimal
    before: Decimal | None
    after: Decimal | None
    changed: tuple[str, ...] = ()
    corrects: str | None = None

    @property
    def amount(self) -> Decimal:
        """The difference of the rounded amounts."""
        return EXACT.subtract(self.after or ZERO, self.before or ZERO)

    def content(self) -> Content:
        """Canonical content."""
        return {
            **fields_of(self, "customer", "kind", "description", "rule", "requests", "quantities"),
            "exact_amount": amount_text(self.exact_amount),
            "amount": format(self.amount, "f"),
            **{key: _text(value) for key, value in (("before", self.before), ("after", self.after))},
            **fields_of(self, "changed", "corrects"),
        }


@dataclass(frozen=True, slots=True)
class ItemDifference:
    """A step between the lines and what is due whose amount is not what it was. `corrects` is as with lines."""

    kind: str
    name: str
    before: Decimal | None
    after: Decimal | None
    corrects: str | None = None

    @property
    def amount(self) -> Decimal:
        """The difference."""
        return EXACT.subtract(self.after or ZERO, self.before or ZERO)

    def content(self) -> Content:
        """Canonical content."""
        sides = {key: _text(value) for key, value in (("before", self.before), ("after", self.after))}
        return {
            **fields_of(self, "kind", "name"),
            "amount": format(self.amount, "f"),
            **sides,
            "corrects": self.corrects,
        }


@dataclass(frozen=True, slots=True)
class Differences:
    """All that differs between two computations. `amounts` are `AMOUNTS`, before and after."""

    currencies: tuple[str, str]
    amounts: tuple[tuple[str, Decimal, Decimal], ...]
    lines: tuple[LineDifference, ...]
    items: tuple[ItemDifference, ...]

    @classmethod
    def of(cls, before: Content, after: Content) -> Differences:
        """Compare two contents of invoices."""
        return cls(
            (before["currency"], after["currency"]),
            tuple((name, _amount(before, name), _amount(after, name)) for name in AMOUNTS),
            tuple(_lines(before["lines"], after["lines"])),
            tuple(_items(before.get("items", ()), after.get("items", ()))),
        )

    def content(self) -> Content:
        """Canonical content."""
        return {
            "currency": {"before": self.currencies[0], "after": self.currencies[1]},
            "amounts": {
                name: {"before": format(before, "f"), "after": format(after, "f")}
                for name, before, after in self.amounts
            },
            **fields_of(self, "lines", "items"),
        }


@dataclass(frozen=True, slots=True)
class DocumentDifferences:
    """Two documents of which one is held against the other: each with its number, None for a preview, its customer and
    its period. `is_same` says that their contents are the same to the byte.
    """

    before: tuple[str | None, str, str]
    after: tuple[str | None, str, str]
    is_same: bool
    differences: Differences

    @classmethod
    def of(cls, before: tuple[str | None, Content], after: tuple[str | None, Content]) -> DocumentDifferences:
        """Compare two, each with its number."""
        named = [(number, content["customer"], content["period"]) for number, content in (before, after)]
        is_same = before[1] == after[1]
        return cls(named[0], named[1], is_same, Differences.of(before[1], after[1]))

    def content(self) -> Content:
        """What `invoices diff --json` prints."""
        sides = {
            name: dict(zip(("number", "customer", "period"), side, strict=True))
            for name, side in (("before", self.before), ("after", self.after))
        }
        return {**sides, **fields_of(self, "is_same"), **self.differences.content()}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _amount(content: Content, name: str) -> Decimal:
    """An amount of a content; one without items states no amount due, which is its total."""
    return Decimal(content[name] if name in content else content["total"])


def _line_key(line: Mapping[str, Any]) -> tuple[str, ...]:
    charge = line.get("charge") or {}
    named = (
        *(line.get("customer"), line["kind"], line["model"], line["mode"], line["rule"]),
        *(charge.get("number"), charge.get("kind") if line["kind"] == "adjustment" else None),
        *(line.get("cause"), _corrected(line)),
    )
    return tuple("" if part is None else str(part) for part in (*named, line["description"]))


def _corrected(part: Mapping[str, Any]) -> str | None:
    """The number of the document that a line or a step corrects."""
    corrects = part.get("corrects")
    return None if corrects is None else str(corrects["number"])


def _lines(before: Sequence[Content], after: Sequence[Content]) -> Iterable[LineDifference]:
    """Lines of the same model, mode and rule are one line, whatever their price entries are."""
    old, new = _by_key(before), _by_key(after)
    for key in sorted({*old, *new}, key=lambda parts: [part.encode() for part in parts]):
        pairs = _pairs(old.get(key, []), new.get(key, []))
        yield from (found for pair in pairs if (found := _difference(*pair)) is not None)


def _by_key(lines: Iterable[Content]) -> dict[tuple[str, ...], list[Content]]:
    by_key: dict[tuple[str, ...], list[Content]] = {}
    for line in lines:
        by_key.setdefault(_line_key(line), []).append(line)
    return by_key


def _pairs(old: list[Content], new: list[Content]) -> Iterable[tuple[Content | None, Content | None]]:
    """Lines of one price entry first, then what is left in its order."""
    left_old, left_new = list(old), list(new)
    for line in old:
        same = next((one for one in left_new if one["price_entry"] == line["price_entry"]), None)
        if same is not None:
            left_old.remove(line)
            left_new.remove(same)
            yield line, same
    for index in range(max(len(left_old), len(left_new))):
        yield (
            left_old[index] if index < len(left_old) else None,
            left_new[index] if index < len(left_new) else None,
        )


def _difference(old: Content | None, new: Content | None) -> LineDifference | None:
    line = new or old
    if line is None or old == new:
        return None
    names = {"price_entry": "price entry", "rule_hash": "rule", "parts": "arithmetic"}
    changed = () if old is None or new is None else tuple(of for key, of in names.items() if old[key] != new[key])
    quantities = {
        name: number
        for name in sorted({*(old or {}).get("quantities", {}), *(new or {}).get("quantities", {})})
        if (number := _quantity(new, name) - _quantity(old, name))
    }
    requests = (0 if new is None else new["requests"]) - (0 if old is None else old["requests"])
    only_arithmetic = changed == ("arithmetic",) and (requests or quantities)
    return LineDifference(
        customer=line.get("customer"),
        **{name: line[name] for name in ("kind", "description", "rule")},
        requests=requests,
        quantities=quantities,
        exact_amount=EXACT.subtract(_exact(new), _exact(old)),
        before=None if old is None else Decimal(old["amount"]),
        after=None if new is None else Decimal(new["amount"]),
        changed=() if only_arithmetic else changed,
        corrects=_corrected(line),
    )


def _quantity(line: Content | None, name: str) -> int:
    return 0 if line is None else int(line["quantities"].get(name, 0))


def _exact(line: Content | None) -> Decimal:
    return ZERO if line is None else Decimal(line["exact_amount"])


def _items(before: Sequence[Content], after: Sequence[Content]) -> Iterable[ItemDifference]:
    keys = dict.fromkeys(_item_key(item) for item in (*before, *after))
    for key in keys:
        old, new = ([Decimal(item["amount"]) for item in items if _item_key(item) == key] for items in (before, after))
        if old != new:
            yield ItemDifference(key[0], key[1], _sum(old), _sum(new), key[2])


def _item_key(item: Mapping[str, Any]) -> tuple[str, str, str | None]:
    return item["kind"], item["name"], _corrected(item)


def _sum(amounts: Sequence[Decimal]) -> Decimal | None:
    total: Decimal | None = None
    for amount in amounts:
        total = amount if total is None else EXACT.add(total, amount)
    return total
