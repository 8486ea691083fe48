"""YAML as configs are written in it: small, shallow, each key once, and without templates."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from components.errors import InputError

#: Bytes of a text; the configs of Qlib's benchmarks have less than 10,000.
LONGEST = 128 * 1024
_DEEPEST = 40
#: Nodes, where each alias counts as a copy of what it stands for.
_MOST_NODES = 200_000
_TEMPLATE = re.compile(r"\$\{[^}]*\}?|\{\{.*|\{%.*")


def load_yaml(text: str, source: str, *, known: Collection[str]) -> Mapping[str, Any]:
    """The mapping that a text holds.

    A section that is not `known` may be there to hold anchors that a later one refers to, and is left out.

    Args:
        text: The whole document.
        source: What it is called in messages.
        known: Names of the sections that mean something.

    Raises:
        InputError: in one line, with the line of the text, for what is not such YAML.
    """
    if len(text.encode("utf-8", "replace")) > LONGEST:
        raise InputError(f"{source}: longer than {LONGEST // 1024} KiB, which is no config")
    loader = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return {}
        if not isinstance(root, MappingNode):
            raise InputError(f"{source}: expected sections with names, such as 'task:', not {_kind(root)}")
        _check(root, source)
        root.value = [pair for pair in root.value if pair[0].value in known or not _holds_anchors(pair, root)]
        content = loader.construct_document(root)
    except yaml.YAMLError as error:
        raise InputError(_explained(error, text, source)) from None
    finally:
        if loader:
            loader.dispose()
    return dict(content)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which bounds how deep a document is and says where a value is that it cannot read."""

    depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self.depth += 1
        if self.depth > _DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"nested more than {_DEEPEST} levels deep", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, OverflowError) as error:
            raise yaml.MarkedYAMLError(
                problem=f"{str(node.value)[:40]!r} cannot be read: {str(error).split(':')[0][:80]}",
                problem_mark=node.start_mark,
            ) from None


def _check(root: Node, source: str) -> None:
    """Refuse aliases that multiply or run in a circle, keys that occur twice, and templates."""
    sizes: dict[int, int] = {}

    def size(node: Node, above: frozenset[int]) -> int:
        if id(node) in above:
            raise InputError(f"{_place(node, source)}: an alias refers to what it is a part of")
        if id(node) not in sizes:
            if isinstance(node, ScalarNode):
                _refuse_template(node, source)
            elif isinstance(node, MappingNode):
                _refuse_twins(node, source)
            inside = above | {id(node)}
            sizes[id(node)] = 1 + sum(size(child, inside) for child in _children(node))
        if sizes[id(node)] > _MOST_NODES:
            raise InputError(f"{_place(node, source)}: its aliases stand for more than {_MOST_NODES:,} values")
        return sizes[id(node)]

    size(root, frozenset())


def _refuse_template(node: ScalarNode, source: str) -> None:
    if found := _TEMPLATE.search(node.value):
        raise InputError(f"{_place(node, source)}: {_unfilled(found[0])}")


def _refuse_twins(node: MappingNode, source: str) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if isinstance(key, ScalarNode) and key.value != "<<":
            if key.value in lines:
                twin = f"the key {key.value[:40]!r} is there twice, first in line {lines[key.value]}"
                raise InputError(f"{_place(key, source)}: {twin}")
            lines[key.value] = key.start_mark.line + 1


def _holds_anchors(section: tuple[Node, Node], root: MappingNode) -> bool:
    """Whether a later section refers to something that is defined in this one."""
    place = root.value.index(section)
    earlier = {id(node) for _, value in root.value[:place] for node in _walk(value)}
    own = {id(node) for node in _walk(section[1])} - earlier
    return any(id(node) in own for _, value in root.value[place + 1 :] for node in _walk(value))


def _walk(node: Node) -> Iterator[Node]:
    """A node and everything below it, each once."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting += _children(node)


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def _unfilled(template: str) -> str:
    return f"{template[:40]!r} is a template, which is not filled in; write the value itself"


def _kind(node: Node) -> str:
    return "a list" if isinstance(node, SequenceNode) else repr(str(node.value)[:40])


def _place(node: Node, source: str) -> str:
    return f"{source}, line {node.start_mark.line + 1}"


def _explained(error: yaml.YAMLError, text: str, source: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    if found := _TEMPLATE.search(line):
        problem = _unfilled(found[0])
    return f"{source}{place}: not YAML ({problem})"
