"""What a notebook shows by itself: small tables, figures of a sweep, names after a dot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from designs import drawn, sweep_of
from hand_made import AMOUNT, INTERVAL, made
from IPython.core.completer import IPCompleter, provisionalcompleter
from worlds import QUIET

import sim
from sim.figures.style import Picture
from sim.results import Results
from sim.scenario.load import from_dict


@pytest.fixture(scope="module")
def results() -> Results:
    tissue = {**QUIET, "shape": [10, 10], "initial": {"burden": 20}}
    scenario = from_dict({"days": 2, "dt": 1, "age_at_start": 0, "tissues": {"patch": tissue}})
    return sim.run(scenario, replicates=2, seed=1)


def test_results_are_a_small_table(results: Results) -> None:
    text = results._repr_html_()
    assert text.startswith("<p>Results of scenario (2 finished), burden on the last day in %</p><table")
    mean = results.summary()["burden_mean"].iloc[0]
    assert all(f"<td>{cell}</td>" in text for cell in ("control", "patch", "2", f"{mean:.3g}"))
    assert str(results.summary()) in repr(results)


def test_names_of_a_scenario_are_no_markup(results: Results) -> None:
    odd = Results({**results.manifest, "scenario": "a<b"}, {}, results.timeseries, results.events, results.sites)
    assert "a&lt;b" in odd._repr_html_()


def test_figures_of_a_sweep_by_name() -> None:
    rng = np.random.default_rng(1)

    def swept(points: list[dict[str, Any]]) -> Any:
        values = {(p, arm): rng.random(3).tolist() for p in range(len(points)) for arm in ("none", "drug")}
        return made(points, values)

    grid = swept([{AMOUNT: f"{a} mg/kg", INTERVAL: f"{i} d"} for a in (14, 28) for i in (7, 14)])
    line = swept([{AMOUNT: f"{a} mg/kg"} for a in (14, 28, 55)])
    walks = sweep_of(drawn("morris", 2, trajectories=6, levels=4, seed=1), {"drug": lambda x: x[..., 0]})
    figures = [
        grid.plot.map(), grid.plot.tipping(threshold=0.5), grid.plot.points(), line.plot.lines(), line.plot.scatter(),
        walks.plot.tornado(), walks.plot.interactions(),
    ]  # fmt: skip
    assert all(isinstance(figure, Picture) for figure in figures)
    assert figures[0]._repr_png_().startswith(b"\x89PNG")
    assert sim.sensitivity(walks).ranked == ["x0", "x1"]


def test_names_after_a_dot(results: Results) -> None:
    assert {"load", "run", "explore", "sweep", "sensitivity", "compare"} <= set(dir(sim))
    assert {"timeseries", "plot", "arms", "summary"} <= set(dir(results))
    shown = [name for name in dir(results.plot) if not name.startswith("_")]
    assert {"burden", "maps", "forest"} <= set(shown)
    assert all(f".{name}()" in repr(results.plot) for name in shown)
    walks = sweep_of(drawn("morris", 2, trajectories=4, levels=4, seed=1), {"drug": lambda x: x[..., 0]})
    assert ".map()" in repr(walks.plot)
    completer = IPCompleter(namespace={"results": results, "walks": walks}, use_jedi=False)
    for typed, names in {"results.plot.": {".burden", ".maps"}, "walks.plot.": {".map", ".tornado"}}.items():
        with provisionalcompleter():
            assert names <= {each.text for each in completer.completions(typed, len(typed))}
