"""Texts that are no config, or that would take all memory to read."""

from __future__ import annotations

import yaml

from wrong_inputs.case import CONFIG, Case, write_text

_RIGHT = yaml.safe_dump(CONFIG, sort_keys=False)
_BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + below] * 9)}]\n"
    for below, name in zip("abcdefghi", "bcdefghij", strict=True)
)
_MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{','.join(['*' + below] * 9)}]}}\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def _text(name: str, text: str | bytes, says: str) -> Case:
    return Case(name=name, says=says, prepare=write_text(text))


CASES = [
    _text("nothing", "", "the section 'task' is missing"),
    _text("only a comment", "# nothing\n", "the section 'task' is missing"),
    _text("a number", "5", "expected sections with names, such as 'task:', not '5'"),
    _text("a list", "- task\n- data\n", "expected sections with names, such as 'task:', not a list"),
    _text("null", "null", "expected sections"),
    _text("task is empty", "task:\n", "the section 'task' is missing"),
    _text("an open bracket", "task: [1", "line 1, column 9: not YAML"),
    _text("a tab", "task:\n\tmodel: {}\n", "line 2, column 1: not YAML"),
    _text("wrong indentation", "task:\n  model: {}\n dataset: {}\n", "not YAML"),
    _text("an open quote", "task: 'x\n", "not YAML"),
    _text("a colon too many", "task: a: b\n", "not YAML (mapping values are not allowed here)"),
    _text("an unknown alias", "task: *nowhere\n", "not YAML (found undefined alias"),
    _text("an alias of itself", "task: &a {model: *a}\n", "an alias refers to what it is a part of"),
    _text("an alias of itself in a list", "task: &a [*a]\n", "an alias refers to what it is a part of"),
    _text("Python's system", "task: !!python/object/apply:os.system [id]\n", "could not determine a constructor"),
    _text(
        "Python's Popen", "task: !!python/object/new:subprocess.Popen [[id]]\n", "could not determine a constructor"
    ),
    _text("an unknown tag", "task: !thing {}\n", "could not determine a constructor for the tag"),
    _text("binary that is none", "task: !!binary '%%%'\n", "task: Input should be a valid dictionary, got b''"),
    _text("a list as a key", "task: {[1, 2]: 3}\n", "found unhashable key"),
    _text("two documents", f"{_RIGHT}---\n{_RIGHT}", "not YAML (but found another document)"),
    _text("a number as a section", f"5: x\n{_RIGHT}", "the name of a section must be text, not 5"),
    _text("a date as a section", f"2015-01-01: x\n{_RIGHT}", "the name of a section must be text"),
    _text("rolling twice", f"rolling: {{step: 5}}\n{_RIGHT}", "the key 'rolling' is there twice, first in line 1"),
    _text("task twice", f"{_RIGHT}\ntask: {{}}\n", "the key 'task' is there twice"),
    _text("an argument twice", "task: {model: {class: A, class: B}}", "the key 'class' is there twice"),
    _text("a bomb of aliases", f"{_BOMB}{_RIGHT}rolling2: *j\n", "its aliases stand for more"),
    _text(
        "a bomb in an argument",
        _BOMB + _RIGHT.replace("kwargs: {}", "kwargs: {alpha: *j}", 1),
        "its aliases stand for more",
    ),
    _text(
        "a bomb of merges",
        _MERGES + _RIGHT.replace("kwargs: {}", "kwargs: {<<: *i}", 1),
        "its aliases stand for more",
    ),
    _text("100,000 open brackets", "task: " + "[" * 100_000, "nested more than 40 levels deep"),
    _text("100,000 open braces", "task: " + "{a: " * 30_000, "nested more than 40 levels deep"),
    _text("100,000 levels of lists", "task:\n  " + "- " * 60_000 + "x\n", "nested more than 40 levels deep"),
    _text("60 MB", "#" * 60_000_000 + "\n" + _RIGHT, "longer than 128 KiB, which is no config"),
    _text("a megabyte of numbers", f"{_RIGHT}\nx: [{'1, ' * 350_000}]", "longer than 128 KiB"),
    _text("zero bytes", b"task: \x00\x00\n", "special characters are not allowed"),
    _text("an escape sequence", b"task: \x1b[31m\n", "special characters are not allowed"),
    _text("UTF-16", _RIGHT.encode("utf-16"), "is not text in UTF-8 (byte 1); save it as UTF-8"),
    _text("Latin 1", _RIGHT.replace("wrong", "Prüfung").encode("latin-1"), "is not text in UTF-8"),
    _text("a Parquet file", b"PAR1\x15\x04\x15\xff\xfe" + bytes(range(200)), "run.yaml"),
    _text(
        "a Jinja value",
        _RIGHT.replace("step: 60", "step: {{ step }}"),
        "'{{ step }}' is a template, which is not filled in",
    ),
    _text("a Jinja text", _RIGHT.replace("wrong", "'{{ name }}'"), "'{{ name }}' is a template"),
    _text("a Jinja statement", "{% set step = 5 %}\n" + _RIGHT, "is a template"),
    _text(
        "a variable",
        _RIGHT.replace("demo:?instruments=10&years=2", "qlib:${DATA}"),
        "'${DATA}' is a template, which is not filled in",
    ),
    _text(
        "an impossible date",
        _RIGHT.replace("'2015-02-02'", "2015-02-30"),
        "'2015-02-30' cannot be read: day is out of range for month",
    ),
    _text("a month 13", _RIGHT.replace("'2015-02-02'", "2015-13-01"), "'2015-13-01' cannot be read"),
    _text(
        "dates as whole numbers",
        _RIGHT.replace("'2015-02-02'", "20150202"),
        "not a date: 20150202; write it as YYYY-MM-DD",
    ),
    _text("a number of 10,000 digits", _RIGHT.replace("step: 60", f"step: {'9' * 10_000}"), "cannot be read"),
    _text("not a number", _RIGHT.replace("kwargs: {}", "kwargs: {alpha: .nan}", 1), "nan cannot be stored as JSON"),
    _text("infinite", _RIGHT.replace("kwargs: {}", "kwargs: {alpha: .inf}", 1), "inf cannot be stored as JSON"),
    _text("a set", _RIGHT.replace("kwargs: {}", "kwargs: {alpha: !!set {a}}", 1), "a set cannot be stored as JSON"),
    _text(
        "bytes",
        _RIGHT.replace("kwargs: {}", "kwargs: {alpha: !!binary aGk=}", 1),
        "a bytes cannot be stored as JSON",
    ),
    _text(
        "an anchor that nobody uses",
        f"rollin: &r {{step: 5}}\n{_RIGHT}",
        "unknown key 'rollin'; did you mean 'rolling'?",
    ),
    _text(
        "a section that refers to others",
        _RIGHT.replace("step: 60", "step: &s 60") + "rollin: {step: *s}\n",
        "unknown key 'rollin'",
    ),
]
