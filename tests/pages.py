"""What README and docs tell a reader to type: blocks of commands, Python and YAML, in the order of the page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).parents[1]
GENERATED = ("parameters.md",)  # a thousand lines of tables, nothing to type
PAGES = [HOME / "README.md", *sorted(p for p in (HOME / "docs").glob("*.md") if p.name not in GENERATED)]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = ("senodrift", "python", "make", "pip", "source", "export", "dask")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    kind: str  # what stands after the fence: "", yaml, python
    text: str
    before: str  # the page up to it

    @property
    def commands(self) -> list[str]:
        """Lines for a shell, without what is told beside them; empty where the block shows an output."""
        if self.kind not in ("", "sh", "bash", "shell"):
            return []
        lines = re.sub(r"\\\n\s*", "", self.text).splitlines()
        found = [re.split(r"\s+#", line.strip())[0] for line in lines if not line.startswith("#")]
        return found if any(line.split()[:1] and line.split()[0] in PROGRAMS for line in found) else []

    @property
    def saved_as(self) -> str | None:
        """The file that the words right before it tell the reader to make of it."""
        names = re.findall(r"[Ss]ave\s+(?:it\s+|this\s+|them\s+)?as\s+`([^`]+)`", self.before.rpartition("```")[2])
        return names[-1] if names else None


def blocks(page: Path) -> list[Block]:
    """All blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [Block(m[1], m[2], text[: m.start()]) for m in FENCE.finditer(text)]


def spoken_commands(page: Path) -> list[str]:
    """Commands within the words of a page that are complete: with arguments, none of them a word like FILE."""
    told = re.findall(r"`(senodrift [^`\n]+)`", FENCE.sub("", page.read_text(encoding="utf-8")))
    return [each for each in told if len(each.split()) > 2 and not re.search(r"\b[A-Z]{4,}\b|>", each)]


def prose(text: str) -> str:
    """A page without its blocks and its inline code: what is left are words and links."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))
