"""Documents: links and anchors lead somewhere, pictures say what they show and how they are made, tables are true."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from tests.pages import FENCE, HOME, PAGES, prose

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
NEAR = 15  # lines between a picture of the README and the command that makes it; elsewhere it is on the page
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "notebooks/*.md", "notebooks/*.ipynb", "benchmarks/*.md", "tests/**/*.md")
    for path in HOME.glob(pattern)
)
PICTURES = [
    (page, *found[1:]) for page in PAGES for found in LINK.findall(page.read_text(encoding="utf-8")) if found[0]
]


@functools.cache
def words_of(document: Path) -> str:
    """The Markdown of a page, or of the cells of a notebook."""
    text = document.read_text(encoding="utf-8")
    if document.suffix != ".ipynb":
        return text
    return "\n\n".join("".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "markdown")


@functools.cache
def anchors(document: Path) -> set[str]:
    """What may stand after # in a link, as GitHub makes it of headings."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ +(.*)$", re.sub(r"(?ms)^```.*?^```", "", words_of(document)), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found[slug] = found.get(slug, 0) + 1
    return {slug if n == 0 else f"{slug}-{n}" for slug, count in found.items() for n in range(count)}


def script(name: str) -> ModuleType:
    """A script of docs/ as a module."""
    spec = spec_from_file_location(name, HOME / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def commands() -> frozenset[str]:
    """Commands that the help names."""
    shown = subprocess.run(
        [sys.executable, "-m", "sim", "--help"], cwd=HOME, capture_output=True, text=True, check=True
    )
    return frozenset(re.findall(r"^  ([a-z-]+)  +[A-Z]", shown.stdout.split("Commands:")[1], re.MULTILINE))


# ----------------------------------------------------------------------------------------------------------- links


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(HOME).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    dead = []
    for _, _, target in LINK.findall(prose(words_of(document))):
        place, _, anchor = target.partition("#")
        if re.match(r"\w+:", target):
            continue
        file = (document.parent / place).resolve() if place else document
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(HOME).as_posix())
def test_commands_and_files_that_are_named_exist(document: Path) -> None:
    text = words_of(document)
    typed = [block[1] for block in FENCE.findall(text) if block[0] != "python"]
    code = " ".join([*typed, *re.findall(r"`[^`\n]+`", FENCE.sub("", text))])
    makefile = (HOME / "Makefile").read_text()
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= set(re.findall(r"^([a-z]+):.*?## ", makefile, re.MULTILINE))
    assert set(re.findall(r"\bsenodrift ([a-z][a-z-]*)\b(?!\.)", code)) <= commands()
    named = re.findall(r"(?<![\w/.])((?:sim|configs|docs|tests|notebooks)/[\w/]+\.(?:py|ya?ml|md|ipynb))\b", code)
    made = {Path(name).name for name in re.findall(r"[Ss]ave (?:it |this |them )?as\s+`([^`]+)`", text)}
    assert [name for name in named if not (HOME / name).exists() and Path(name).name not in made] == []


# -------------------------------------------------------------------------------------------------------- pictures


@pytest.mark.parametrize(("page", "alt", "target"), PICTURES, ids=lambda value: Path(str(value)).stem[:30])
def test_a_picture_has_words_and_the_command_that_makes_it(page: Path, alt: str, target: str) -> None:
    assert len(alt.split()) >= 4, "say what it shows"
    name, lines = Path(target).stem, page.read_text(encoding="utf-8").replace("\\\n  ", "").splitlines()
    place = next(number for number, line in enumerate(lines) if f"]({target})" in line)
    near = NEAR if page.name == "README.md" else len(lines)
    around = "\n".join(lines[max(0, place - near) : place + near])
    makers = script("make_images")
    if name in makers.COMMANDS:
        assert [each for each in makers.COMMANDS[name][1] if each not in around] == []
    else:
        shown = re.findall(r"python\s+(docs/make_\w+\.py|tests/validation/pictures\.py)", around)
        assert shown, f"no command that makes {target}"
        assert name in (HOME / shown[0]).read_text(encoding="utf-8")


@pytest.mark.tour
def test_a_picture_is_what_its_command_makes(tmp_path: Path) -> None:
    """The quickest of the README; the rest of the pixels is left to other versions of a font."""
    script("make_images").make(["sun_spot"], tmp_path)
    ours, shown = (np.asarray(Image.open(folder / "sun_spot.png").convert("RGB"), float)
                   for folder in (tmp_path, HOME / "docs" / "images"))  # fmt: skip
    assert ours.shape == shown.shape
    assert np.abs(ours - shown).mean() < 0.01 * 255


# ---------------------------------------------------------------------------------------------------------- tables


def test_generated_parts_of_the_odd_are_those_of_the_code() -> None:
    odd = script("make_odd")
    page = odd.PAGE.read_text(encoding="utf-8")
    assert odd.renewed(page) == page, "python docs/make_odd.py"


def test_the_odd_has_every_rule_and_answers_every_design_concept() -> None:
    odd = (HOME / "docs" / "odd.md").read_text(encoding="utf-8")
    processes = {path.stem for path in (HOME / "sim" / "rules").glob("[a-z]*.py")}
    assert set(re.findall(r"generated: rules (\w+)", odd)) == processes
    concepts = re.findall(
        r"^\* \*\*([A-Z][a-z ]+)\.\*\*", odd.partition("## 4.")[2].partition("## 5.")[0], re.MULTILINE
    )
    assert concepts == [
        "Basic principles", "Emergence", "Adaptation", "Objectives", "Learning", "Prediction", "Sensing", "Interaction",
        "Stochasticity", "Collectives", "Observation",
    ]  # fmt: skip
