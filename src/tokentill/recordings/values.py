"""The values that people write: exact decimals, instants, ids, names of quantities.

Each type reads what TOML or JSON gave and turns it into its one canonical form (a string, an integer), so that the
two forms of a file cannot differ in content. A mistake is raised with a sentence and a hint for the person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Context, Decimal
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from tokentill.clock import instant_text
from tokentill.errors import InvalidAmount, InvalidRecord
from tokentill.money import EXACT, amount_text, check_amount, divides_exactly, minor_digits, parse_amount
from tokentill.usage.ids import check_id
from tokentill.usage.record import STATUSES, USAGE_STATES

PER_MAX = 10**12
TEXT_CHARACTERS_MAX = 4000
NOISE_DIGITS = 12
"""No list price has more significant digits than this; a number that has more came out of binary arithmetic."""

_NOISE = Decimal("1e-13")
"""Relative; some hundred times what one binary operation adds."""
_INSTANT = re.compile(r"\A\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?P<zone>[Zz]|[+-]\d\d:\d\d)?\Z", re.ASCII)
_DATE = re.compile(r"\A\d{4}-\d\d-\d\d\Z", re.ASCII)
_TIME_OF_DAY = re.compile(r"\A(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class JsonFraction:
    """A JSON number with a fraction or an exponent, as it was written. No field takes one."""

    text: str


def mistake(message: str, hint: str = "") -> PydanticCustomError:
    """An error of our own wording. `hint` says what to do."""
    return PydanticCustomError("tokentill", "{message}", {"message": message, "hint": hint})


def noise_free(value: Decimal) -> Decimal | None:
    """The number that was meant when `value` has the digits of binary arithmetic, else None.

    It is the shortest number next to `value`, or `value` with as many digits as are accepted.
    """
    if len(value.normalize(EXACT).as_tuple().digits) <= NOISE_DIGITS:
        return None
    for digits in range(1, NOISE_DIGITS):
        shorter = _with_digits(value, digits)
        if abs(EXACT.subtract(shorter, value)) < EXACT.multiply(abs(value), _NOISE):
            return shorter
    return _with_digits(value, NOISE_DIGITS)


def _with_digits(value: Decimal, digits: int) -> Decimal:
    return Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(value)


def read_decimal(value: Any) -> Decimal:
    """The exact number that was written: a TOML number, an integer, or a decimal string."""
    if isinstance(value, JsonFraction) and not value.text[-1].isdigit():  # NaN, Infinity
        raise mistake(f"{value.text} is not a finite number", "write a plain decimal number such as 0.30")
    if isinstance(value, JsonFraction):
        raise mistake(f"{value.text} is a JSON number with a fraction", f'write it as a string: "{value.text}"')
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
        raise mistake(f"{_shown(value)} is not a number", "write a plain decimal number such as 0.30")
    try:
        number = parse_amount(value) if isinstance(value, str) else check_amount(Decimal(value))
    except InvalidAmount as error:
        raise mistake(str(error), "write a plain decimal number such as 0.30") from None
    meant = noise_free(number)
    if meant is not None:
        raise mistake(f"{amount_text(number)} is float noise", f"write {amount_text(meant)}")
    return number


def _number(holds: Callable[[Decimal], bool], message: str, hint: str) -> BeforeValidator:
    """A number for which something holds, as its text. In the message `{}` is it, `{minus}` with the other sign."""

    def read(value: Any) -> str:
        number = read_decimal(value)
        if not holds(number):
            raise mistake(message.format(amount_text(number), minus=amount_text(-number)), hint)
        return amount_text(number)

    return BeforeValidator(read)


def alone_under(key: str) -> BeforeValidator:
    """A table that may be written as the one value of this key."""
    return BeforeValidator(lambda value: value if isinstance(value, dict) else {key: value})


def _instant(value: Any) -> str:
    if isinstance(value, str):
        value = _instant_from_text(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        raise mistake(f"{value.isoformat()} is a day, not an instant", f"write {value.isoformat()}T00:00:00Z")
    if isinstance(value, time) or not isinstance(value, datetime):
        raise mistake(f"{_shown(value)} is not an instant", "write it like 2026-09-01T00:00:00Z")
    if value.tzinfo is None:
        raise mistake("naive time; add Z", f"write {value.isoformat()}Z if it is in UTC")
    if not 1970 < value.year < 2200:
        raise mistake(f"the year {value.year} is outside 1971 to 2199", "leave valid_to out for a price without an end")
    return instant_text(value.astimezone(UTC))


def _instant_from_text(text: str) -> date:
    try:
        if _DATE.match(text):
            return date.fromisoformat(text)
        if _INSTANT.match(text):
            return datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise mistake(f'"{text}" is not an instant: {error}', "write it like 2026-09-01T00:00:00Z") from None
    raise mistake(f'"{text[:40]}" is not an instant', "write it like 2026-09-01T00:00:00Z")


def _day(value: Any) -> str:
    if isinstance(value, str) and _DATE.match(value):
        try:
            value = date.fromisoformat(value)
        except ValueError as error:
            raise mistake(f'"{value}" is not a day: {error}', "write it like 2026-10-01") from None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise mistake(f"{_shown(value)} is not a day", "write it like 2026-10-01")
    return value.isoformat()


def _text(value: str) -> str:
    if not value:
        raise mistake("the text is empty", "leave the key out instead")
    if len(value) > TEXT_CHARACTERS_MAX:
        raise mistake(
            f"a text of {len(value)} characters is too long; {TEXT_CHARACTERS_MAX} are accepted", "shorten it"
        )
    for part in value.split("\n"):
        for start in range(0, len(part), 100):
            _checked_id(part[start : start + 100])
    return value


def _id(value: str) -> str:
    if not value:
        raise mistake("the text is empty", "write a text of one character or more")
    return _checked_id(value)


def _model_id(value: str) -> str:
    if any(character.isspace() for character in value):
        raise mistake(f'"{value}" holds white space', "write the model id exactly as the gateway reports it")
    return _id(value)


def _checked_id(value: str) -> str:
    try:
        check_id("the text", value)
    except InvalidRecord as error:
        raise mistake(str(error), "write it without such characters") from None
    return value


def _currency(value: str) -> str:
    try:
        minor_digits(value)
    except InvalidAmount as error:
        message, _, way_out = str(error).partition("; ")
        raise mistake(message, way_out or "write a code such as USD") from None
    return value


def _per(value: int) -> int:
    if not divides_exactly(value) or value > PER_MAX:
        raise mistake(f"{value} does not divide amounts exactly", "use 1, 1_000, 1_000_000 or the like")
    return value


def _time_of_day(value: str) -> str:
    if not _TIME_OF_DAY.match(value):
        raise mistake(f'"{value}" is not a time of day', 'write it like "16:30"')
    return value


def _patterns(value: Any) -> Any:
    """Always a list, sorted: the order of alternatives means nothing, so it must not change the hash."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return sorted(set(value))
    raise mistake(f"{_shown(value)} is no pattern", "write a text or a list of texts")


def _aliases(value: list[str]) -> list[str]:
    return sorted(set(value))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return f'"{value[:40]}"' if isinstance(value, str) else str(value)[:40]


_DIGITS = r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$"
_NUMBER = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^-?{_DIGITS}"}]}
_NUMBER_FROM_ZERO = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^{_DIGITS}"}], "minimum": 0}
_INSTANT_SCHEMA = {
    "type": "string",
    "format": "date-time",
    "pattern": (
        r"^(197[1-9]|19[89][0-9]|2[01][0-9]{2})-[0-9]{2}-[0-9]{2}"
        r"[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
    ),
    "examples": ["2026-09-01T00:00:00Z"],
}
"""With its zone, within the years that are accepted: a naive time is refused by editors, too."""

PERCENT_SCHEMA: dict[str, Any] = {**_NUMBER, "minimum": -100}
RATE_SCHEMA: dict[str, Any] = {**_NUMBER_FROM_ZERO}
_ABOVE_ZERO = {**_NUMBER, "exclusiveMinimum": 0}

Rate = Annotated[
    str,
    _number(lambda number: number >= 0, "{} is negative", "a price is zero or more"),
    WithJsonSchema(_NUMBER_FROM_ZERO),
]
Factor = Annotated[
    str,
    _number(lambda number: number > 0, "{} is no factor", "write a number greater than zero; 1 changes nothing"),
    WithJsonSchema(_ABOVE_ZERO),
]
Percent = Annotated[
    str,
    _number(
        lambda number: number >= -100,
        "a discount of {minus} percent is more than the whole price",
        "write -100 or more",
    ),
    WithJsonSchema(PERCENT_SCHEMA),
]
PercentOrMore = Annotated[
    str,
    _number(lambda number: number >= 0, "{} percent is negative", "write zero or more"),
    WithJsonSchema({**_NUMBER, "minimum": 0}),
]
Positive = Annotated[
    str,
    _number(
        lambda number: number > 0, "{} is not more than zero", "write a number greater than zero, or leave the key out"
    ),
    WithJsonSchema(_ABOVE_ZERO),
]
Signed = Annotated[
    str,
    _number(lambda number: number != 0, "{} is nothing", "write an amount, or remove the table"),
    WithJsonSchema({**_NUMBER}),
]
SharePercent = Annotated[
    str,
    _number(lambda number: 0 <= number <= 100, "{} is no percentage from 0 to 100", "write a number from 0 to 100"),
    WithJsonSchema({**_NUMBER, "minimum": 0, "maximum": 100}),
]
Instant = Annotated[str, BeforeValidator(_instant), WithJsonSchema(_INSTANT_SCHEMA)]
Day = Annotated[str, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Text = Annotated[str, AfterValidator(_text), Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)]
Id = Annotated[str, AfterValidator(_id), WithJsonSchema({"type": "string", "minLength": 1})]
ModelId = Annotated[
    str, AfterValidator(_model_id), WithJsonSchema({"type": "string", "pattern": r"^[^\s\x00-\x1f\x7f]+$"})
]
Currency = Annotated[str, AfterValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]
Per = Annotated[
    int,
    Field(gt=0),
    AfterValidator(_per),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": PER_MAX, "examples": [1, 1000, 1_000_000]}),
]
TimeOfDay = Annotated[
    str, AfterValidator(_time_of_day), WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-4]):[0-5][0-9]$"})
]
Quantity = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
EntryHash = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Aliases = Annotated[list[ModelId], AfterValidator(_aliases)]
Patterns = Annotated[
    list[Id],
    BeforeValidator(_patterns),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]


def _words_of(known: Sequence[str]) -> tuple[BeforeValidator, WithJsonSchema]:
    """Some of a few words: a list, sorted."""

    def checked(value: Any) -> Any:
        listed = _patterns(value)
        strange = next((word for word in listed if word not in known), None)
        if strange is not None:
            near = get_close_matches(strange, known, 1, 0.6)
            hint = f'did you mean "{near[0]}"?' if near else f"write {', '.join(known[:-1])} or {known[-1]}"
            raise mistake(f'"{strange[:40]}" is not one of {", ".join(known)}', hint)
        return listed

    word = {"type": "string", "enum": list(known)}
    schema = WithJsonSchema({"anyOf": [word, {"type": "array", "items": word, "minItems": 1}]})
    return BeforeValidator(checked), schema


Statuses = Annotated[list[str], *_words_of(STATUSES)]
UsageStates = Annotated[list[str], *_words_of(USAGE_STATES)]
