"""Mistakes in words for the person who wrote the file: what is wrong, on which line, and what may be meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tokentill.errors import Finding
from tokentill.recordings.positions import KeyPath, line_of
from tokentill.recordings.reading import FileText
from tokentill.usage.quantities import REQUEST, TOKEN_LEAVES
from tokentill.usage.record import STANDARD
from tokentill.zones import zone_names

_EXPECTED = {
    "bool_type": ("true or false", "write it without quotes"),
    "dict_type": ("a table", "write { key = value }"),
    "int_from_float": ("a whole number", "write digits only, such as 1_000"),
    "int_type": ("a whole number", "write digits only, such as 1_000"),
    "list_type": ("a list", "write [ ... ]"),
    "model_type": ("a table", "write { key = value }"),
    "string_type": ("a text", "write it in double quotes"),
}

KNOWN_ELSEWHERE = {
    **dict.fromkeys(("prompt", "prompt_tokens", "input_tokens"), "input"),
    **dict.fromkeys(("completion", "completion_tokens", "output_tokens"), "output"),
    **dict.fromkeys(("internal_reasoning", "thinking"), "reasoning"),
    **dict.fromkeys(("cached", "cached_input", "cached_tokens", "input_cache_read"), "cache_read"),
    "cache_creation": "cache_write_5m",
    "input_cache_write": "cache_write",
    "audio_input": "input_audio",
    "cache_audio_read": "input_audio_cache_read",
    "cache_image_read": "input_image_cache_read",
}
"""What other catalogs and gateways call our quantities; only for hints."""

KNOWN_COUNTERS = (
    REQUEST,
    *("web_search", "web_fetch", "file_search", "image", "audio_second", "page", "character", "search_unit"),
)
"""Counters that sources report. The set is open: a fee may name another one, but hardly a misspelt one of these."""


KNOWN_MODES = (STANDARD, "batch", "flex", "priority", "fast", "ultrafast")
"""Modes that catalogs list. The set is open, but a mode is hardly called nearly like one of these."""


def near_mode(name: str) -> str | None:
    """The known mode that an unknown one is nearly called like."""
    if name in KNOWN_MODES:
        return None
    return next(iter(difflib.get_close_matches(name, KNOWN_MODES, 1, 0.75)), None)


def near_miss(word: str, known: Iterable[str]) -> str:
    """`did you mean "cache_read"?`, or nothing when no known word is near."""
    candidates = list(known)
    meant = KNOWN_ELSEWHERE.get(word.lower())
    if meant is None or meant not in candidates:
        meant = next(iter(difflib.get_close_matches(word.lower(), candidates, 1, 0.6)), None)
    return f'did you mean "{meant}"?' if meant else ""


def looks_like_tokens(name: str) -> bool:
    """Whether an unknown name is more likely a misspelt leaf quantity than a counter: `outputs`, `cached_input`."""
    if name in KNOWN_ELSEWHERE or "token" in name or "cache" in name:
        return True
    return bool(difflib.get_close_matches(name, TOKEN_LEAVES, 1, 0.85))


@lru_cache(maxsize=1024)
def zone_mistake(name: str) -> tuple[str, str] | None:
    """What is wrong with the name of a time zone, and what may be meant; None when it exists."""
    if name in zone_names():
        return None
    near = difflib.get_close_matches(name, sorted(zone_names()), 1, 0.6)
    hint = f'did you mean "{near[0]}"?' if near else "write an IANA name such as Europe/Berlin"
    return f'time zone "{name[:60]}" is unknown', hint


def findings_of(error: ValidationError, file: FileText, shape: type[BaseModel]) -> list[Finding]:
    """One finding for each mistake of a file, in order of its lines."""
    names = set()
    for details in error.errors(include_url=False):
        path = tuple(part for part in details["loc"] if part != "[key]")
        names.add((line_of(file.lines, path), _finding(details, path, file, shape)))
    return [finding for _, finding in sorted(names, key=lambda placed: (placed[0], placed[1].message))]


def _finding(details: ErrorDetails, path: KeyPath, file: FileText, shape: type[BaseModel]) -> Finding:
    context: dict[str, Any] = details.get("ctx", {})
    key = _name(path)
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path, file, shape)
    if kind == "missing":
        return file.finding(path, f'"{key}" is missing', f"add {key} = ...")
    if kind == "tokentill":
        written = path if path in file.lines else path[:-1]  # one percentage is read as that of "default"
        return file.finding(path, f'"{_name(written)}": {context["message"]}', context["hint"])
    if kind in _EXPECTED:
        expected, way_out = _EXPECTED[kind]
        if kind == "list_type":
            way_out = _list_form(path, details["input"], shape) or way_out
        return file.finding(path, f'"{key}" is not {expected}', way_out)
    if kind == "literal_error":
        return _not_one_of(path, file, str(details["input"]), context["expected"])
    if kind == "string_pattern_mismatch":
        message = f'"{details["input"]}" is not a name that can stand here'
        return file.finding(path, message, _PATTERNS.get(key, "use lower-case letters, digits and _"))
    if kind == "too_short":
        return file.finding(path, f'"{key}" is empty', "leave it out, or fill it")
    message = details["msg"]
    hint = _BOUNDS.get(kind, "see the example in the README of this folder").format(**context)
    return file.finding(path, f'"{key}": {message[0].lower()}{message[1:]}', hint)


def _list_form(path: KeyPath, written: object, shape: type[BaseModel]) -> str:
    """How a table that may be repeated is written, for a single one or a value that stands in its place."""
    keys = [key for key in _keys_at(shape, (*path, 0)) if key]
    if not keys:
        return ""
    name = ".".join(str(part) for part in path if isinstance(part, str))
    if isinstance(written, dict):
        return f"write [[{name}]] instead of [{name}]; it may be repeated"
    needed = _required_at(shape, (*path, 0)) or keys[:1]
    return f"write [[{name}]], and under it " + ", ".join(f"{key} = ..." for key in needed)


def _unknown_key(path: KeyPath, file: FileText, shape: type[BaseModel]) -> Finding:
    key = str(path[-1])
    known = _keys_at(shape, path[:-1])
    hint = near_miss(key, known)
    if not hint and key in TOKEN_LEAVES and "rates" in known:
        hint = f"write it under rates: rates = {{ {key} = ... }}"
    return file.finding(path, f'unknown key "{key}"', hint or f"the keys here are {', '.join(known)}")


def _not_one_of(path: KeyPath, file: FileText, written: str, expected: str) -> Finding:
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    if path == ("format",):
        return file.finding(path, f"format {written} is unknown to this version of tokentill", "write format = 1")
    hint = near_miss(written, words) or f"write {' or '.join(words)}"
    return file.finding(path, f'"{_name(path)}" cannot be "{written[:40]}"', hint)


_PATTERNS = {
    "withdraws": "write the hash of the entry: sha256: and 64 digits",
    "drops": "write tier, window, multiplier, mode.NAME or fee.NAME",
}
_BOUNDS = {
    "greater_than": "write more than {gt}",
    "greater_than_equal": "write {ge} or more",
    "less_than": "write less than {lt}",
    "less_than_equal": "write {le} or less",
    "string_too_long": "shorten it",
    "too_long": "write no more than {max_length} of them",
}


def _name(path: KeyPath) -> str:
    """The key that a path ends in, with its table where an index alone would say nothing."""
    if path and isinstance(path[-1], int) and len(path) > 1:
        return str(path[-2])
    return str(path[-1]) if path else "file"


def _keys_at(shape: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that the table at a path may have."""
    table = _table_at(shape, path)
    fields = {} if table is None else table.model_fields
    return [field.alias or name for name, field in fields.items() if field.alias != "$schema"]


def _required_at(shape: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that the table at a path must have."""
    table = _table_at(shape, path)
    fields = {} if table is None else table.model_fields
    return [field.alias or name for name, field in fields.items() if field.is_required()]


def _table_at(shape: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    here: Any = shape
    for part in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            fields = {field.alias or name: field for name, field in here.model_fields.items()}
            here = fields[str(part)].annotation if part in fields else None
        elif get_origin(here) in (list, dict):
            here = get_args(here)[-1]
        else:
            here = None
        if get_origin(here) is Annotated:
            here = get_args(here)[0]
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None
