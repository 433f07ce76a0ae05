"""How it was done, for a paper; with what, and how to do it again; and what went wrong."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from sim.analysis.paired import baseline_words
from sim.explain.words import listed, size_words
from sim.results import Results
from sim.scenario.load import Scenario
from sim.scenario.quantity import DAYS_PER_YEAR, duration

ENGINES = {
    "compiled": "compiled loops over arrays, which give the same states as one Mesa agent per cell, bit for bit",
    "agents": "one Mesa agent per cell",
}


def unfinished(results: Results) -> list[str]:
    """Every run that did not finish, and at which stage; a block of well-mixed individuals is one."""
    lines = []
    for run in results.manifest["runs"]:
        if run["status"] != "finished":
            last = run["replicate"] + run.get("replicates", 1) - 1
            which = f"replicate {run['replicate']}" + (f" to {last}" if last > run["replicate"] else "")
            why = ": ".join(filter(None, (run.get("stage", ""), run.get("message", ""))))
            lines.append(f"{run['arm']}, {which}: {run['status']}{f' ({why})' if why else ''}")
    return lines


def common_words(results: Results, scenario: Scenario) -> str:
    """What all arms have in common, in a sentence or two."""
    common, past = scenario.common, results.manifest.get("past")
    factors = f" Signals: {listed(common.factors)}." if common.factors else ""
    ages = dict.fromkeys(_age(arm.age_at_start) for arm in scenario.arms.values())
    length = f"Length: {common.days:.6g} days."
    if past:
        length = f"Length: from day {past['day']:g}, the day of a checkpoint, to day {common.days:.6g}."
    return f"{_sizes(scenario)}.{factors} Age on day 0: {listed(ages)}. {length}"


def _sizes(scenario: Scenario) -> str:
    """``skin: 100 x 100 sites (1.5 x 1.5 mm); muscle and spine: 48 x 48 sites (0.72 x 0.72 mm)``."""
    sizes: dict[str, list[str]] = {}
    for name, tissue in scenario.common.tissues.items():
        here = "well mixed" if scenario.common.mode == "well_mixed" or tissue.well_mixed else size_words(tissue)
        sizes.setdefault(here, []).append(name)
    return "; ".join(f"{listed(names)}: {size}" for size, names in sizes.items())


def _age(days: float) -> str:
    return f"{days / DAYS_PER_YEAR * 12:.3g} months" if days else "birth"


def methods(results: Results, scenario: Scenario | None) -> list[str]:
    """Paragraphs that can stand in a paper as they are."""
    return [" ".join(_model(results, scenario)), " ".join(_statistics(results))]


def _model(results: Results, scenario: Scenario | None) -> Iterator[str]:
    about, mode = results.manifest, results.manifest.get("mode", "tissue")
    commit = f", commit {about['commit']}" if about.get("commit") else ""
    made = f"Simulations were made with Senodrift {about.get('senodrift', '')}{commit}:"
    if mode == "well_mixed":
        yield f"{made} a stochastic model of the burden of senescent cells in well-mixed individuals, without cells"
        yield "(its equations stand in docs/MODEL.md)."
    else:
        yield f"{made} an agent-based model in which every cell of a tissue is an agent"
        yield f"(its equations stand in docs/MODEL.md; engine: {_engine_words(about.get('engine', ''))})."
        yield from _own_rules(about.get("engine", ""), scenario)
    yield from _design(results, scenario) if scenario is not None else ()
    if mode == "tissue":
        yield "In each step every cell draws one event among its competing hazards, 1 - exp(-sum of hazards x dt)."


def _engine_words(engine: str) -> str:
    own = f"{engine}, which is not part of Senodrift"
    return own if own_module(engine) else ENGINES.get(engine, engine or "not stated")


def _own_rules(engine: str, scenario: Scenario | None) -> Iterator[str]:
    """That an engine of a user's own is not the model of this package, and what its rules do."""
    own = scenario.common.own_causes if scenario is not None else {}
    if own:
        done = listed(f"{name} (a cell becomes {cause.becomes})" for name, cause in own.items())
        yield f"Its rules differ from the model, for it adds causes of its own: {done}."
    elif own_module(engine):
        yield "Its rules may differ from those of the model: they stand in its source."


def _design(results: Results, scenario: Scenario) -> Iterator[str]:
    """Arms, days and places."""
    common, mode = scenario.common, results.manifest.get("mode", "tissue")
    arms = f"{len(scenario.arms)} arm{'' if len(scenario.arms) == 1 else 's'}: {listed(scenario.arms)}"
    yield f"The scenario {scenario.name} (hash {scenario.hash}) has {arms}."
    yield f"{_length(results, scenario)} Tissues: {_sizes(scenario)}."
    stirred = [name for name, tissue in common.tissues.items() if tissue.well_mixed]
    placed = [tissue for tissue in common.tissues.values() if tissue.shape and not tissue.well_mixed]
    spacings = dict.fromkeys(f"{tissue.cell_spacing:g} um" for tissue in placed)
    diffusing = [name for name, factor in common.factors.items() if factor.transport == "diffusion"]
    if mode == "well_mixed":
        return
    yield from [f"Sites are {listed(spacings)} apart."] if spacings else []
    yield from [f"Stirred, so that every cell meets every other: {listed(stirred)}."] if stirred else []
    if diffusing and len(stirred) < len(common.tissues):
        yield f"Signals that diffuse and decay ({listed(diffusing)}) take each step exactly, in the modes of the"
        yield "Laplacian."


def _length(results: Results, scenario: Scenario) -> str:
    """How long a run is; futures begin on the day of their checkpoint."""
    common, past = scenario.common, results.manifest.get("past")
    if past is None:
        return f"Each run covers {common.days:.6g} days in {common.n_steps} steps of {duration(common.dt)}."
    steps = common.n_steps - round(past["day"] / common.dt)
    whose = f"of the arm {past['arm']}" if past["arm"] else "of a single run"
    which = "its own checkpoint" if past.get("files", 1) > 1 else "the same checkpoint"
    return (
        f"Each run goes on from a checkpoint of day {past['day']:g} ({whose}; every replicate from {which}) "
        f"to day {common.days:.6g}, in {steps} steps of {duration(common.dt)}."
    )


def _statistics(results: Results) -> Iterator[str]:
    about = results.manifest
    n, mixed = about.get("replicates", 0), about.get("mode") == "well_mixed"
    place = "body or tissue, step" if mixed else "tissue, step, site"
    yield f"Each arm was run {n} time{'' if n == 1 else 's'} (seed {about.get('seed', 0)})."
    yield f"Random numbers are functions of their address (Philox 4x32-10: seed, replicate, {place},"
    yield "purpose), not of the arm, so that replicates of the same number share their luck until a difference between"
    yield "arms acts."
    if len(results.arms) > 1:
        yield f"Arms were therefore compared in pairs of replicates, with {baseline_words(results)}: mean difference,"
        yield "95 % t interval, two-sided paired t test, p corrected for the tests of the same outcome (Holm 1979)."
    if unfinished(results):
        yield f"Runs that did not finish ({len(unfinished(results))}) are left out."


def provenance(results: Results) -> list[tuple[str, str]]:
    """With what the results were made: name and value."""
    about = results.manifest
    rows = [
        ("Senodrift", about.get("senodrift", "")),
        ("commit", about.get("commit", "") or "not from a checkout"),
        ("source", about.get("source", "")),
        ("scenario", f"{about['scenario']}, hash {about.get('hash', '')}"),
        ("engine", about.get("engine", "") if about.get("mode") != "well_mixed" else ""),
        ("seed", str(about.get("seed", ""))),
        ("finished", about.get("finished_at", "")),
        ("run time", f"{about['wall_s']:.3g} s, {_workers(about)}" if "wall_s" in about else ""),
        ("machine", about.get("machine", "")),
        *about.get("versions", {}).items(),
    ]
    return [(name, value) for name, value in rows if value]


def _workers(about: dict[str, Any]) -> str:
    count = about.get("workers", 1)
    return f"{count} process{'' if count == 1 else 'es'}"


def reproduce(results: Results) -> dict[str, str]:
    """The command that was typed, where one was; how to make the same tables again; and what that needs, if anything.

    An engine of a notebook, or of futures, is known to Python only: `senodrift branch` takes none.
    """
    about, needs = results.manifest, list[str]()
    engine, past = about.get("engine", "").partition(" ")[0], about.get("past")
    if past:
        kind = "folder of checkpoints" if past.get("files", 1) > 1 else "checkpoint"
        needs.append(f"the {kind} {past['checkpoint']} (day {past['day']:g}, from which it goes on)")
    if module := own_module(engine):
        where = "the notebook or script" if module == "__main__" else f"the module {module}"
        needs.append(f"{where} with the engine {about['engine']}")
    in_python = module == "__main__" or (past and ":" in engine)
    again = _in_python(past, engine) if in_python else _in_a_shell(past, engine)
    return {"typed": about.get("command", ""), "again": again, "needs": listed(needs) if needs else ""}


def own_module(engine: str) -> str:
    """The module of an engine of a user's own; empty for those of this package."""
    module = engine.partition(":")[0] if ":" in engine else ""
    return "" if module.startswith("sim.") else module


def _in_a_shell(past: dict[str, Any] | None, engine: str) -> str:
    if past is None:
        return "senodrift run scenario.yaml" + (f" --engine {engine}" if engine == "agents" or ":" in engine else "")
    n = _futures(past)
    return f"senodrift branch {shlex.quote(past['checkpoint'])} scenario.yaml" + (f" --replicates {n}" if n > 1 else "")


def _in_python(past: dict[str, Any] | None, engine: str) -> str:
    module, _, name = engine.partition(":")
    own = name if module == "__main__" else repr(engine)
    if past is None:
        return f"sim.run(sim.load('scenario.yaml'), engine={own})"
    n = _futures(past)
    more = f", replicates={n}" if n > 1 else ""
    return f"sim.branch({past['checkpoint']!r}, sim.load('scenario.yaml'){more}, engine={own})"


def _futures(past: dict[str, Any]) -> int:
    """Futures of one checkpoint; a folder has one of each."""
    return len(past["replicates"]) if past.get("files", 1) == 1 else 1
