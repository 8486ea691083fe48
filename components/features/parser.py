"""Qlib's expression language, from text to expressions. Python's grammar splits the text; nothing is run."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from components.errors import InputError, nearest
from components.features.expression import Call, Constant, Expression, Field, fields, is_condition
from components.features.operators import EXPANDING, LONGEST, OPERATORS, UNSUPPORTED

_Arithmetic = Callable[[float, float], float]

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "Add",
    ast.Sub: "Sub",
    ast.Mult: "Mul",
    ast.Div: "Div",
    ast.Pow: "Power",
    ast.BitAnd: "And",
    ast.BitOr: "Or",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Gt: "Gt",
    ast.GtE: "Ge",
    ast.Lt: "Lt",
    ast.LtE: "Le",
    ast.Eq: "Eq",
    ast.NotEq: "Ne",
}
#: What numbers give among themselves is computed at once, as Python does.
_FOLDED: dict[str, _Arithmetic] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": operator.truediv,
    "Power": operator.pow,
}
#: The largest float32.
_LARGEST = 3.4028234e38
#: Levels of operators within operators.
_DEEPEST = 200
#: Characters of an expression that an error repeats.
_SHOWN = 200


def parse(text: str) -> Expression:
    """Read an expression such as ``Mean($close, 5)/$close``.

    Operators: ``+ - * / **``, comparisons, ``& |``, unary minus, and calls of Qlib's operators.

    Raises:
        InputError: in one line with the column, for anything that is not such an expression.

    """
    if not isinstance(text, str):
        raise InputError(f"an expression must be text, not {text!r}")
    return _parsed(text)


@lru_cache(maxsize=4096)  # handlers are asked for their columns again and again
def _parsed(text: str) -> Expression:
    return _Parser(text).parse()


@dataclass(frozen=True)
class _Parser:
    text: str

    def parse(self) -> Expression:
        stripped = self.text.lstrip()
        if not stripped:
            raise InputError("an expression is empty; write something like $close/Ref($close, 1)")
        for dollar in re.finditer(r"\$(?![A-Za-z_])", self.text):
            raise self.error(dollar.start(), "a field needs a name after the $")
        # The same length in Python's grammar, so that its columns are ours.
        python = re.sub(r"\s", " ", stripped).replace("$", "_")
        try:
            expression = self.node(ast.parse(python, mode="eval").body)
            if _depth(expression) > _DEEPEST:
                raise RecursionError
        except SyntaxError as error:
            column = (error.offset or 1) - 1 + len(self.text) - len(stripped)
            raise self.error(column, f"not an expression ({error.msg})") from None
        except (RecursionError, MemoryError):
            raise self.error(0, f"nested more than {_DEEPEST} levels deep; split it") from None
        except ValueError as error:
            raise self.error(0, f"not an expression ({error})") from None
        if not fields(expression):
            raise self.error(0, "there is no field in it; fields are written $close")
        return expression

    def node(self, node: ast.expr) -> Expression:
        match node:
            case ast.Name():
                return self.field(node)
            case ast.Constant(value=bool() | str() | bytes() | complex() | None):
                raise self.error_at(node, "expected a number or a field")
            case ast.Constant(value=int() | float() as value):
                return self.number(node, lambda: value)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.apply(node, "Mul", [Constant(-1.0), self.node(operand)])
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.node(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return self.apply(node, _BINARY[type(op)], [self.node(left), self.node(right)])
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                return self.apply(node, _COMPARISONS[type(op)], [self.node(left), self.node(right)])
            case ast.Compare():
                raise self.error_at(node, "comparisons cannot be chained; write ($a > 1) & ($b > 2)")
            case ast.BoolOp() | ast.UnaryOp():
                raise self.error_at(node, "write & for and, | for or, Not(...) for not")
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(node, name, args)
        raise self.error_at(node, "not part of the expression language")

    def field(self, node: ast.Name) -> Field:
        if self.text[self.column(node)] != "$":
            hint = "an operator needs arguments" if node.id in OPERATORS else f"did you mean ${node.id}?"
            raise self.error_at(node, f"unknown name {node.id!r}; {hint}")
        return Field(node.id.removeprefix("_"))

    def call(self, node: ast.Call, name: str, args: list[ast.expr]) -> Expression:
        if name in UNSUPPORTED:
            raise self.error_at(node, f"Qlib's operator {name!r} is not supported")
        if name not in OPERATORS:
            raise self.error_at(node, f"unknown operator {name!r}{nearest(name, OPERATORS)}")
        return self.apply(node, name, [self.node(argument) for argument in args])

    def apply(self, node: ast.expr, name: str, arguments: list[Expression]) -> Expression:
        """The call of an operator on its arguments; a number when all of them are numbers."""
        kind = OPERATORS[name]
        if len(arguments) != kind.arity:
            raise self.error_at(node, f"{name} takes {kind.arity} arguments, not {len(arguments)}")
        series, numbers = tuple(arguments[: kind.series]), arguments[kind.series :]
        if kind.logical and not all(map(is_condition, series)):
            raise self.error_at(node, f"{name} needs conditions such as $close > $open")
        values = [item.value for item in series if isinstance(item, Constant)]
        if name in _FOLDED and len(values) == len(series):
            return self.number(node, lambda: _FOLDED[name](*values))
        if len(values) == len(series) or (kind.rolling and values):
            raise self.error_at(node, f"{name} needs a series, such as $close, not a number")
        window = self.window(node, name, numbers[0]) if kind.rolling else None
        quantile = self.quantile(node, numbers[1]) if kind.quantile else None
        return Call(name, series, window, quantile)

    def number(self, node: ast.expr, compute: Callable[[], float]) -> Constant:
        try:
            value = float(compute())
        except (ArithmeticError, TypeError, ValueError):
            value = math.inf
        if not math.isfinite(value):
            raise self.error_at(node, "this is not a finite real number")
        if abs(value) > _LARGEST:
            raise self.error_at(node, f"{value:g} is too large for the values of features, which have 32 bits")
        return Constant(value)

    def window(self, node: ast.expr, name: str, argument: Expression) -> float:
        kind = OPERATORS[name]
        value = argument.value if isinstance(argument, Constant) else None
        if value is not None and kind.decay and 0 < value < 1:
            return value
        if value is None or not value.is_integer():
            raise self.error_at(node, f"the window of {name} must be a whole number of days")
        if abs(value) > LONGEST:
            raise self.error_at(node, f"the window of {name} must be at most {LONGEST:,} days")
        if kind.shortest is not None and value != EXPANDING and value < kind.shortest:
            raise self.error_at(node, f"the window of {name} must be at least {kind.shortest}, or 0 for all days")
        return int(value)

    def quantile(self, node: ast.expr, argument: Expression) -> float:
        if isinstance(argument, Constant) and 0 <= argument.value <= 1:
            return argument.value
        raise self.error_at(node, "the quantile must be a number between 0 and 1")

    def column(self, node: ast.expr) -> int:
        stripped = self.text.lstrip()
        before = stripped.encode()[: node.col_offset].decode()
        return len(self.text) - len(stripped) + len(before)

    def error_at(self, node: ast.expr, problem: str) -> InputError:
        return self.error(self.column(node), problem)

    def error(self, column: int, problem: str) -> InputError:
        """One line; columns are counted from 1."""
        line = re.sub(r"\s", " ", self.text)
        line = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
        return InputError(f"expression {line!r}, column {column + 1}: {problem}")


def _depth(expression: Expression) -> int:
    return 1 + max(map(_depth, expression.inputs)) if isinstance(expression, Call) else 0
