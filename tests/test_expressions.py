"""The expression language: what parses to what, how far it reaches, and what is refused where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.features.expression import Call, Constant, Expression, Field, fields, lookahead, lookback
from components.features.operators import OPERATORS
from components.features.parser import parse


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("$close", "$close"),
        ("$close/$open - 1", "Sub(Div($close, $open), 1)"),
        ("2*$close-$high-$low", "Sub(Sub(Mul(2, $close), $high), $low)"),
        ("-$close", "Mul(-1, $close)"),
        ("+$close ** (1/2)", "Power($close, 0.5)"),
        ("$volume+1e-12", "Add($volume, 1e-12)"),
        ("Ref($close, -2)", "Ref($close, -2)"),
        ("Ref($close, 2*3-1)", "Ref($close, 5)"),
        ("Quantile($close, 60, 0.8)", "Quantile($close, 60, 0.8)"),
        ("EMA($close, 0.1)", "EMA($close, 0.1)"),
        ("Corr($close, Log($volume+1), 20)", "Corr($close, Log(Add($volume, 1)), 20)"),
        (
            "($close > $open) & ($volume != 0) | Not($low <= 3)",
            "Or(And(Gt($close, $open), Ne($volume, 0)), Not(Le($low, 3)))",
        ),
        ("If($close >= $open, 1, $low)", "If(Ge($close, $open), 1, $low)"),
        ("\n  Mean(\n $close,\t5)\n", "Mean($close, 5)"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical
    assert parse(canonical) == parse(text)


def test_equal_expressions_are_equal_values() -> None:
    assert parse("Mean($close,5)/$open") == parse("Div( Mean($close, 5.0), $open )")
    assert len({parse("$close+1"), parse("($close + 1)"), parse("$close+2")}) == 2
    assert fields(parse("If($close > 1, $high, Ref($low, 1))")) == {"close", "high", "low"}


@pytest.mark.parametrize(
    ("text", "back", "ahead"),
    [
        ("$close", 0, 0),
        ("Ref($close, -2)/Ref($close, -1) - 1", 0, 2),
        ("Ref($close, 5)/$close", 5, 0),
        ("Mean($close, 20)", 19, 0),
        ("Mean(Ref($close, 1), 20)", 20, 0),
        ("Max(Mean($close, 5), 10)", 13, 0),
        ("Quantile(Mean($close, 5), 10, 0.8)", 13, 0),
        ("Delta($close, 3) + Ref($close, -1)", 2, 1),
        ("Ref(Ref($close, -3), 1)", 1, 3),
        ("Mean(Ref($close, -5), 5)", 4, 5),
        ("Sum($close, 0)", 0, 0),
        ("EMA($close, 10)", 9, 0),
        ("EMA($close, 0.1)", 130, 0),
        ("Mean(Std($close, 5), 10)", 13, 0),
        ("Corr($close/Ref($close, 1), $volume, 10)", 10, 0),
        ("Cov(Ref($close, 5), $volume, 0)", 0, 0),
        ("Cov(Ref($close, 5), $volume, 0) + Ref($close, 3)", 3, 0),
    ],
)
def test_reach(text: str, back: int, ahead: int) -> None:
    assert (lookback(parse(text)), lookahead(parse(text))) == (back, ahead)


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("Men($close, 5)", 1, "unknown operator 'Men'; did you mean 'Mean'?"),
        ("$close + Mean($close)", 10, "Mean takes 2 arguments, not 1"),
        ("  Ref($close)", 3, "Ref takes 2 arguments, not 1"),
        ("$close / $", 10, "a field needs a name after the $"),
        ("$close + close", 10, "unknown name 'close'; did you mean $close?"),
        ("Mean($close, $open)", 1, "the window of Mean must be a whole number of days"),
        ("Mean($close, 2.5)", 1, "the window of Mean must be a whole number of days"),
        ("Mean($close, -1)", 1, "the window of Mean must be at least 1, or 0 for all days"),
        ("Skew($close, 2)", 1, "the window of Skew must be at least 3, or 0 for all days"),
        ("Quantile($close, 5, 2)", 1, "the quantile must be a number between 0 and 1"),
        ("Mean(5, 3)", 1, "Mean needs a series, such as $close, not a number"),
        ("1 < $close < 2", 1, "comparisons cannot be chained; write ($a > 1) & ($b > 2)"),
        ("$close and $open", 1, "write & for and, | for or, Not(...) for not"),
        ("$close & $open", 1, "And needs conditions such as $close > $open"),
        ("Mask($close, 'SH600000')", 1, "Qlib's operator 'Mask' is not supported"),
        ("$close + 'text'", 10, "expected a number or a field"),
        ("$close + 1/0", 10, "this is not a finite real number"),
        ("$close + 10**400", 10, "this is not a finite real number"),
        ("$close[0]", 1, "not part of the expression language"),
        ("Mean($close, N=5)", 1, "not part of the expression language"),
        ("__import__('os').system('true')", 1, "not part of the expression language"),
        ("1 + 1", 1, "there is no field in it; fields are written $close"),
        ("$价格 + 1", 1, "a field needs a name after the $"),
    ],
)
def test_refusals_name_the_column(text: str, column: int, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert str(caught.value) == f"expression {text!r}, column {column}: {problem}"


def test_syntax_errors_name_the_column() -> None:
    with pytest.raises(InputError, match=r"^expression 'Mean\(\$close, 5', column 5: not an expression"):
        parse("Mean($close, 5")
    with pytest.raises(InputError, match="an expression is empty"):
        parse("  ")


@pytest.mark.parametrize(
    "text", ["(" * 9000 + "$close" + ")" * 9000, "+".join(["$close"] * 9000), "-" * 300 + "$close"]
)
def test_deep_nesting_is_refused_in_a_short_line(text: str) -> None:
    with pytest.raises(InputError, match="nested") as caught:
        parse(text)
    assert len(str(caught.value)) < 300


def _calls(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    window = st.integers(1, 300)
    numbers = st.floats(-1e6, 1e6).map(lambda value: Constant(value + 0.0))
    return st.one_of(
        st.builds(
            lambda name, a, n: Call(name, (a,), n), st.sampled_from(["Mean", "Ref", "Slope", "EMA"]), inner, window
        ),
        st.builds(lambda a, n: Call("Ref", (a,), -n), inner, window),
        st.builds(lambda a, b, n: Call("Corr", (a, b), n), inner, inner, window),
        st.builds(lambda name, a, b: Call(name, (a, b)), st.sampled_from(["Add", "Less", "Gt"]), inner, numbers),
        st.builds(lambda a, n, q: Call("Quantile", (a,), n, q), inner, window, st.floats(0, 1)),
    )


EXPRESSIONS = st.recursive(st.sampled_from(["close", "open", "_x9"]).map(Field), _calls, max_leaves=6)


@given(EXPRESSIONS)
def test_canonical_text_parses_to_the_same(expression: Expression) -> None:
    assert parse(str(expression)) == expression


@given(st.text(st.sampled_from("$close()+-*/,.0123456789 <>=&|~@[]{}'\\\n\téM") | st.characters(), max_size=30))
def test_any_text_parses_or_is_refused_in_one_line(text: str) -> None:
    try:
        outcome: object = parse(text)
    except InputError as error:
        outcome = str(error)
    assert isinstance(outcome, Expression) or "\n" not in str(outcome)


def test_every_operator_parses() -> None:
    for name, kind in OPERATORS.items():
        series = ["$close > 1"] * kind.series if kind.logical else ["$close"] * kind.series
        arguments = [*series, *(["5"] if kind.rolling else []), *(["0.5"] if kind.quantile else [])]
        assert str(parse(f"{name}({', '.join(arguments)})")).startswith(f"{name}(")
