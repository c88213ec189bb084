"""The literals of genai-prices' `data.py`, read from its syntax tree. Not a line of it is executed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from tokentill.errors import Finding, InvalidFiles
from tokentill.recordings.reading import FileText

PYTHON_BYTES_MAX = 8 * 1024 * 1024
"""A syntax tree takes some fifty times the space of its text."""

DEPTH_MAX = 24


@dataclass(frozen=True, slots=True)
class LiteralNumber:
    """A `Decimal("...")` of the file, as it was written."""

    text: str


@dataclass(frozen=True, slots=True)
class Built:
    """A call such as `ModelPrice(input_mtok=...)`: the name of what is built, and its keyword arguments."""

    kind: str
    values: Mapping[str, Any]
    line: int

    def get(self, name: str) -> Any:
        """An argument, or None."""
        return self.values.get(name)


def read_assigned(file: FileText, name: str) -> Any:
    """The value that a module assigns to a name.

    Raises:
        InvalidFiles: when the text is not Python, assigns no such name, or holds more than literals and such calls.
    """
    if len(file.text) > PYTHON_BYTES_MAX:
        raise _wrong(file, 1, f"the file is larger than {PYTHON_BYTES_MAX} bytes")
    try:
        module = ast.parse(file.text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise _wrong(file, line, f"not valid Python: {str(error)[:120]}") from None
    except (RecursionError, MemoryError):
        raise _wrong(file, 1, "the file is nested too deeply") from None
    for statement in module.body:
        if isinstance(statement, ast.AnnAssign):
            targets: list[ast.expr] = [statement.target]
        else:
            targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = getattr(statement, "value", None)
            if value is not None:
                return _value(file, value, 0)
    raise _wrong(file, 1, f"nothing is assigned to {name}")


def _value(file: FileText, node: ast.expr, depth: int) -> Any:
    if depth > DEPTH_MAX:
        raise _wrong(file, node.lineno, f"the file is nested more than {DEPTH_MAX} levels deep")
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (str, int, bool))):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(file, item, depth + 1) for item in node.elts]
    if isinstance(node, ast.Dict):
        return _table(file, node, depth)
    if isinstance(node, ast.Call):
        return _built(file, node, depth)
    if isinstance(node, ast.Attribute) and ast.unparse(node) == "datetime.UTC":
        return "UTC"
    raise _wrong(file, node.lineno, "this is more than a literal")


def _table(file: FileText, node: ast.Dict, depth: int) -> dict[str, Any]:
    keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
    if not all(isinstance(key, str) for key in keys):
        raise _wrong(file, node.lineno, "a key that is not text")
    if len(set(keys)) != len(keys):
        raise _wrong(file, node.lineno, "a key is written twice")
    return {str(key): _value(file, value, depth + 1) for key, value in zip(keys, node.values, strict=True)}


def _built(file: FileText, node: ast.Call, depth: int) -> Any:
    plain = [_value(file, item, depth + 1) for item in node.args]
    if any(keyword.arg is None for keyword in node.keywords):
        raise _wrong(file, node.lineno, "this is more than a literal")
    named = {str(keyword.arg): _value(file, keyword.value, depth + 1) for keyword in node.keywords}
    kind = ast.unparse(node.func) if isinstance(node.func, (ast.Name, ast.Attribute)) else ""
    if kind == "Decimal":
        if len(plain) == 1 and isinstance(plain[0], str) and not named:
            return LiteralNumber(plain[0])
        raise _wrong(file, node.lineno, "a Decimal that is not written as a text")
    make = _MAKERS.get(kind)
    if make is not None:
        try:
            return make(*plain, **{key: value for key, value in named.items() if key != "tzinfo"})
        except (TypeError, ValueError, OverflowError) as error:
            raise _wrong(file, node.lineno, f"not a {kind}: {error}") from None
    if plain or not kind.isidentifier():
        raise _wrong(file, node.lineno, f"{kind[:40]!r} is not known here")
    return Built(kind, named, node.lineno)


_MAKERS: Mapping[str, Callable[..., Any]] = {"datetime.date": date, "datetime.time": time}


def _wrong(file: FileText, line: int, message: str) -> InvalidFiles:
    return InvalidFiles([Finding(f"{file.shown}:{line}", message, "is it the data.py of genai-prices?")])
