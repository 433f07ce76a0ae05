"""How it was done, for a paper; with what, and how to do it again; and what went wrong."""

from __future__ import annotations

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


def common_words(scenario: Scenario) -> str:
    """What all arms have in common, in a sentence or two."""
    common = scenario.common
    factors = f" Signals: {listed(common.factors)}." if common.factors else ""
    ages = dict.fromkeys(_age(arm.age_at_start) for arm in scenario.arms.values())
    return f"{_sizes(scenario)}.{factors} Age at the start: {listed(ages)}. Length: {duration(common.days)}."


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
    kind = "a stochastic model of the burden of senescent cells in well-mixed individuals"
    if mode == "tissue":
        kind = "an agent-based model in which every cell of a tissue is an agent"
    yield f"Simulations were made with Senodrift {about.get('senodrift', '')}{commit}: {kind}"
    yield f"(its equations stand in docs/MODEL.md; engine: {ENGINES.get(about.get('engine', ''), 'not stated')})."
    if scenario is not None:
        common = scenario.common
        arms = f"{len(scenario.arms)} arm{'' if len(scenario.arms) == 1 else 's'}: {listed(scenario.arms)}"
        yield f"The scenario {scenario.name} (hash {scenario.hash}) has {arms}."
        steps = f"{common.n_steps} steps of {duration(common.dt)}"
        yield f"Each run covers {common.days:.6g} days in {steps}. Tissues: {_sizes(scenario)}."
        spacings = dict.fromkeys(f"{tissue.cell_spacing:g} um" for tissue in common.tissues.values() if tissue.shape)
        yield from [f"Sites are {listed(spacings)} apart."] if spacings and mode == "tissue" else []
        diffusing = [name for name, factor in common.factors.items() if factor.transport == "diffusion"]
        if diffusing and mode == "tissue":
            yield f"Signals that diffuse and decay ({listed(diffusing)}) take each step exactly, in the modes of the"
            yield "Laplacian."
    if mode == "tissue":
        yield "In each step every cell draws one event among its competing hazards, 1 - exp(-sum of hazards x dt)."


def _statistics(results: Results) -> Iterator[str]:
    about = results.manifest
    n = about.get("replicates", 0)
    yield f"Each arm was run {n} time{'' if n == 1 else 's'} (seed {about.get('seed', 0)})."
    yield "Random numbers are functions of their address (Philox 4x32-10: seed, replicate, tissue, step, site), not"
    yield "of the arm, so that replicates of the same number share their luck until a difference between arms acts."
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
        ("engine", about.get("engine", "")),
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
    """The command that was typed, where one was, and one that gives the same tables from the folder alone."""
    about = results.manifest
    engine = " --engine agents" if about.get("engine") == "agents" else ""
    return {"typed": about.get("command", ""), "again": f"senodrift run scenario.yaml{engine}"}
