"""Ways to damage a scenario file, as people and disks do; each takes the text and luck, and gives the bytes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

import yaml

from sim.scenario.trees import Tree
from sim.scenario.yaml_text import _Loader, dump_yaml

Place = tuple[Any, Any]  # a mapping or list, and the key or index in it


def places(node: Any) -> Iterator[Place]:
    """Every entry of a tree."""
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield node, key
        yield from places(node[key])


def in_tree(change: Callable[[Tree, Place, Random], None], mappings: bool, text: str, luck: Random) -> bytes:
    """The text with one entry of its tree changed; of `mappings` only, where that matters."""
    tree = copy.deepcopy(yaml.load(text, Loader=_Loader))  # a copy has no aliases
    found = [place for place in places(tree) if isinstance(place[0], dict) or not mappings]
    change(tree, luck.choice(found), luck)
    return dump_yaml(tree).encode()


def drop(tree: Tree, place: Place, luck: Random) -> None:
    del place[0][place[1]]


def misspell(tree: Tree, place: Place, luck: Random) -> None:
    node, key = place
    at = luck.randrange(len(key))
    node[key[:at] + luck.choice("qx_") + key[at + 1 :]] = node.pop(key)


def move(tree: Tree, place: Place, luck: Random) -> None:
    """An entry in another section."""
    node, key = place
    value = node.pop(key)
    targets = [tree, *(each[0][each[1]] for each in places(tree) if isinstance(each[0][each[1]], dict))]
    luck.choice(targets)[key] = value


def swap(tree: Tree, place: Place, luck: Random) -> None:
    """Two entries of one mapping have each other's values."""
    node, key = place
    other = luck.choice(list(node))
    node[key], node[other] = node[other], node[key]


def instead(*values: Any) -> Callable[[Tree, Place, Random], None]:
    """Another value there."""

    def change(tree: Tree, place: Place, luck: Random) -> None:
        place[0][place[1]] = luck.choice(values)

    return change


def in_lines(change: Callable[[list[str], int, Random], None], text: str, luck: Random) -> bytes:
    """The text with one of its lines that say something changed."""
    lines = text.splitlines()
    told = [i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    change(lines, luck.choice(told), luck)
    return ("\n".join(lines) + "\n").encode()


def indent(lines: list[str], i: int, luck: Random) -> None:
    lines[i] = luck.choice([" ", "   ", ""]) + (lines[i] if luck.random() < 0.5 else lines[i].lstrip())


def tab(lines: list[str], i: int, luck: Random) -> None:
    lines[i] = luck.choice(["\t" + lines[i], lines[i].replace("  ", "\t", 1), lines[i].replace(": ", ":\t", 1)])


def twice(lines: list[str], i: int, luck: Random) -> None:
    lines.insert(i, lines[i])


def unquote(lines: list[str], i: int, luck: Random) -> None:
    """A bracket or quote less, or one too many."""
    marks = [at for at, letter in enumerate(lines[i]) if letter in "\"'{}[]:,"]
    at = luck.choice(marks) if marks else 0
    lines[i] = lines[i][:at] + (luck.choice("\"'{}[]&*!%@`|>") if luck.random() < 0.5 else "") + lines[i][at + 1 :]


def truncate(text: str, luck: Random) -> bytes:
    return text.encode()[: luck.randrange(len(text))]


def spoil(bad: list[bytes], text: str, luck: Random) -> bytes:
    """Bytes that no text holds, somewhere."""
    data = text.encode()
    at = luck.randrange(len(data))
    return data[:at] + luck.choice(bad) + data[at + 1 :]


def append(lines: list[str], text: str, luck: Random) -> bytes:
    return f"{text}\n{luck.choice(lines)}\n".encode()


NESTED = [f"x: {'[' * n}{']' * n}" for n in (50, 150, 300)] + [f"x: {'{a: ' * n}1{'}' * n}" for n in (50, 150, 300)]
LAUGHS = "l0: &l0 {a: 1}\n" + "\n".join(f"l{i}: &l{i} {{a: *l{i - 1}, b: *l{i - 1}}}" for i in range(1, 60))
WHOLE = [b"", b"\n", b"---", b"[]", b"3", b"null", b"--- {}\n--- {}\n", b"\xff\xfe\x00", b"\x00" * 99, b"%YAML 9.9",
         b"\xef\xbb\xbf"]  # fmt: skip
TAGGED = ["!!int x", "!!float x", "!!bool x", "!!timestamp x", "!!binary '?'", "!!map [1]", "!!seq 3", "!!set {1, 2}",
          "!!omap 3", "!!pairs [1]", "!!python/object:os.system {}", "!own 3", "!!null x", "!!str {}"]  # fmt: skip
LONG = ["9" * 5000, "1" * 400 + ".5", "x" * 10**5, "5 um" * 10**4, "'" + "a b " * 10**4 + "'", "0x" + "f" * 5000]

DAMAGES: dict[str, Callable[[str, Random], bytes]] = {
    **{each.__name__: partial(in_tree, each, True) for each in (misspell, swap, move)},
    "drop": partial(in_tree, drop, False),
    "word": partial(in_tree, instead("many", "", "~", "3 parsec", "1 d/", "um", "5 5 um", "../x", "\u0000"), False),
    "number": partial(in_tree, instead(-1, -0.0, 0, 10**400, 2**64, 1e308, -1e-300, 0.1), False),
    "no number": partial(in_tree, instead(float("nan"), float("inf"), -float("inf"), "nan", ".nan d", True), False),
    "container": partial(in_tree, instead([], {}, [[]], {"": {}}, [None], {"a": []}, None, [1] * 999), False),
    **{each.__name__: partial(in_lines, each) for each in (indent, tab, twice, unquote)},
    "truncate": truncate,
    "control characters": partial(spoil, [b"\x00", b"\x07", b"\x1b[31m", b"\x7f", b"\r", b"\xc2\x85"]),
    "not UTF-8": partial(spoil, [b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"]),
    "recursion": partial(append, ["days: &a [*a]", "x: &a {<<: *a}", "record: &a {maps: *a}",
                                  "factors: &a {SASP: *a}", "x: *none"]),
    "merge": partial(append, ["<<: 3", "<<: [3]", "<<: {days: 3}", "x: {<<: [{a: 1}, [2]]}", "<<: {<<: {spam: 1}}"]),
    "nesting": partial(append, NESTED),
    "laughs": partial(append, [LAUGHS]),
    "tags": partial(append, [f"{key}: {value}" for key in ("days", "x") for value in TAGGED]),
    "long": partial(append, [f"{key}: {value}" for key in ("days", "question", "x") for value in LONG]),
    "keys": partial(append, ["? [1, 2]\n: 3", "3: 4", "null: 1", "? {a: b}\n: 1", "1.5: x", "'': 1", "a.b: 1", "~: 3",
                             '"\\e[31m": 1']),
    "documents": partial(append, ["---\ndays: 3", "...\nx", "--- !x", "... # end", "%TAG ! x", "@", "`", "|", "- 3"]),
    "whole": lambda text, luck: luck.choice(WHOLE),
}  # fmt: skip
