"""Every error that a user can cause or must read: one root, one line each."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SimError(Exception):
    """Root of all errors of this package; its text is one line that a scientist can act on."""


class ScenarioError(SimError):
    """A scenario (or an override of it) says something that is not allowed."""


class ResourceError(SimError):
    """The machine cannot hold or write what was asked for."""


class ResultsError(SimError):
    """A results folder is missing, damaged, or would be overwritten."""


class InterruptedRunError(SimError):
    """The user stopped the runs; what was finished is kept."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` (did you mean X?)`` for the nearest of the `known` words, or an empty string."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""
