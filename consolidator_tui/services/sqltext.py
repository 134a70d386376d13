"""Values of the plan as SQL text."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from consolidator_tui.domain.plan import Value
from consolidator_tui.storage.sqlite import literal


def sql_value(value: Value) -> str:
    """A value as an SQL literal (https://sqlite.org/lang_expr.html#literal_values_constants_)."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(int(value))
        case int():
            return str(value)
        case float():
            if isnan(value):
                return "NULL"
            if value in (float("inf"), float("-inf")):
                return "9e999" if value > 0 else "-9e999"
            return _exact(value)
        case bytes():
            return f"x'{value.hex()}'"
        case _:
            if "\x00" in value:
                return f"CAST(x'{value.encode('utf-8', 'surrogateescape').hex()}' AS TEXT)"
            return literal(value)


def _exact(value: float) -> str:
    """A real without rounding: SQLite reads long decimals, and large exponents, not quite exactly.

    What has at most 15 digits and a small exponent it reads right; the rest is spelled as an
    integer times powers of two, each step of which is exact.
    """
    digits = repr(value)
    if "e" not in digits and len(digits.strip("-").replace(".", "").strip("0")) <= 15:
        return digits
    numerator, denominator = value.as_integer_ratio()
    twos = (numerator & -numerator).bit_length() - 1
    text, sign, power = f"CAST({numerator >> twos} AS REAL)", "*", twos
    if denominator > 1:
        text, sign, power = f"CAST({numerator} AS REAL)", "/", denominator.bit_length() - 1
    while power:
        step = min(power, 62)
        text, power = f"{text} {sign} CAST({1 << step} AS REAL)", power - step
    return f"({text})"


def combined(operator: str, terms: Sequence[str], empty: str) -> str:
    """Terms under one operator as a balanced tree; SQLite limits an expression's depth to 1,000."""
    if not terms:
        return empty
    if len(terms) < 100:
        return f" {operator} ".join(terms)
    middle = len(terms) // 2
    left = combined(operator, terms[:middle], empty)
    right = combined(operator, terms[middle:], empty)
    return f"(({left}) {operator} ({right}))"
