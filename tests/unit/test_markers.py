"""Read-outs as a lab sees them, against closed forms: what is marked, what is counted, and what studies conclude."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from worlds import together

from sim.analysis.markers import ReadOut, apparent, marker_outcomes, rogan_gladen
from sim.analysis.onset import share_in_window
from sim.analysis.study import study
from sim.analysis.views import Design, Tissue
from sim.errors import ResultsError, ScenarioError
from sim.experiment.run import run
from sim.results import Results
from sim.scenario.formulary import markers_in_words
from sim.scenario.library import library
from sim.scenario.load import from_dict
from sim.scenario.marker import Marker, library_marker
from sim.scenario.trees import strip_sources
from tests import worlds

PERFECT = {"sensitivity": 1, "specificity": 1}
HALF = {"sensitivity": 0.6, "specificity": 0.9}
SIDE = 40  # cells along the side of a tissue


def results(
    burdens: dict[str, list[float]], markers: dict[str, Any] | None = None, clustered: bool = False, maps: bool = True
) -> Results:
    """A square tissue per replicate with that burden [%] on day 10; half of it on day 0. Clusters are a block."""
    rng, rows, layers = np.random.default_rng(3), [], {}
    for arm, values in burdens.items():
        for r, burden in enumerate(values):
            n = round(SIDE**2 * burden / 100)
            for day, count in ((0.0, n // 2), (10.0, n)):
                healthy = SIDE**2 - count
                rows.append({"arm": arm, "replicate": r, "tissue": "t", "day": day, "n_healthy": healthy,
                             "n_senescent": count, "burden": 100 * count / SIDE**2, "new_initial": 0,
                             "new_damage": n // 2, "cum_initial": 0, "cum_damage": count})  # fmt: skip
            state = (np.arange(SIDE**2) < n).astype(np.uint8)
            state = state if clustered else rng.permutation(state)
            layers[arm, r, "t"] = {"days": np.array([10.0]), "spacing": np.array(15.0),
                                   "state": state.reshape(1, SIDE, SIDE)}  # fmt: skip
    tree = {"days": 10, "tissues": {"t": {"shape": [SIDE, SIDE]}}, "arms": {arm: {} for arm in burdens}}
    scenario = from_dict({**tree, "markers": {"ideal": PERFECT, "half": HALF, **(markers or {})}})
    manifest = {"scenario": "test", "arms": list(burdens), "tissues": ["t"], "runs": []}
    nothing = pd.DataFrame({"tissue": pd.Series(dtype=str)})
    return Results(manifest, scenario.tree, pd.DataFrame(rows), nothing, nothing, layers if maps else None or {})


TWO = {"control": [2.0, 3.0, 4.0, 5.0], "graft": [6.0, 7.0, 9.0, 10.0]}

# ------------------------------------------------------------------------------------------------ one fraction


@pytest.mark.parametrize(("sensitivity", "specificity"), [(1.0, 1.0), (0.7, 0.998), (0.55, 0.5)])
def test_rogan_gladen_inverts_what_a_marker_shows(sensitivity: float, specificity: float) -> None:
    n = 10_000
    for p in (0.0, 0.01, 0.2, 0.5, 1.0):
        marked = float(apparent(p, sensitivity, specificity)) * n
        estimate, low, high = rogan_gladen(round(marked), n, sensitivity, specificity)
        assert estimate == pytest.approx(p, abs=0.5 / n / (sensitivity + specificity - 1))
        assert low <= estimate <= high


def test_the_interval_is_that_of_wilson_carried_over() -> None:
    ours = rogan_gladen(17, 120, 1.0, 1.0)
    wilson = stats.binomtest(17, 120).proportion_ci(method="wilson")
    assert ours == pytest.approx((17 / 120, wilson.low, wilson.high))


@pytest.mark.parametrize(("sensitivity", "specificity"), [(1.0, 1.0), (0.7, 0.95), (0.6, 0.8)])
def test_the_interval_covers_as_often_as_it_says(sensitivity: float, specificity: float) -> None:
    """Exactly: over all counts there can be, at many true fractions."""
    n = 300
    ends = np.array([rogan_gladen(k, n, sensitivity, specificity)[1:] for k in range(n + 1)])
    covered = []
    for p in np.linspace(0.03, 0.6, 200):
        chance = stats.binom.pmf(np.arange(n + 1), n, apparent(p, sensitivity, specificity))
        covered.append(chance[(ends[:, 0] <= p) & (p <= ends[:, 1])].sum())
    assert 0.945 < np.mean(covered) < 0.955
    assert min(covered) > 0.92


@pytest.mark.parametrize("wrong", [(5, 4, 0.7, 0.9), (0, 0, 0.7, 0.9), (-1, 4, 0.7, 0.9), (1, 4, 0.1, 0.9)])
def test_counts_and_markers_that_tell_nothing_are_refused(wrong: tuple[int, int, float, float]) -> None:
    with pytest.raises(ResultsError, match=r"rogan_gladen: .+: must be .+, got"):
        rogan_gladen(*wrong)


# ------------------------------------------------------------------------------------- schema, library, scenario


@pytest.mark.parametrize("name", library("markers"))
def test_every_number_of_a_library_marker_has_its_source(name: str) -> None:
    values, sources = strip_sources(library("markers")[name])
    assert values["description"]
    assert {"sensitivity", "specificity"} <= set(sources)
    for key, (source, confidence) in sources.items():
        assert source, key
        assert confidence in ("secondary", "computed") or any(w in source for w in ("no source", "a choice")), key
        assert confidence == "assumed" or "choice" not in source, key
    text = markers_in_words()
    assert f"{name}: {values['description']}" in text
    assert library_marker(name).sensitivity + library_marker(name).specificity > 1.5


def scenario(**more: Any) -> dict[str, Any]:
    return {"days": 3, "tissues": {"t": {"shape": [8, 8]}}, **more}


def test_a_scenario_may_change_a_library_marker_or_bring_its_own() -> None:
    tree = scenario(markers={"p16": {"sensitivity": 0.9}, "mine": {"preset": "p21", "senescent_until": "never"},
                             "p21": {"preset": "none", **HALF}})  # fmt: skip
    markers = from_dict(tree, {"markers.SA_beta_gal.specificity": 0.9}).common.markers
    assert (markers["p16"].sensitivity, markers["p16"].specificity, markers["p16"].senescent_from) == (0.9, 0.998, 14)
    assert (markers["mine"].sensitivity, markers["mine"].senescent_until) == (0.8, math.inf)
    assert markers["p21"] == Marker(preset="none", **HALF)
    assert (markers["SA_beta_gal"].specificity, markers["SA_beta_gal"].sensitivity) == (0.9, 0.7)
    again = from_dict(from_dict(tree).tree)
    assert again.common.markers == from_dict(tree).common.markers


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"markers": {"m": {"sensitivity": 0.05, "specificity": 0.9}}}, "markers.m: sensitivity must be at least 0.1"),
        ({"markers": {"m": {**HALF, "senescent_from": "3 d", "senescent_until": "2 d"}}},
         "markers.m: senescent_until must be more than 3 d, got 2 d"),
        ({"markers": {"p16": {"specificity": 1.2}}}, "markers.p16.specificity: must be between 0 and 1, got 1.2"),
        ({"markers": {"m": {"sensitivity": 1}}}, "markers.m.specificity: is required, got nothing"),
        ({"markers": {"m": {**HALF, "sensitivity_by_type": {"cel": 1}}}},
         "markers.m.sensitivity_by_type: must be one of cell, got 'cel' (did you mean cell?)"),
        ({"markers": {"p 16": HALF}}, "markers.p 16: must be letters, digits and _"),
        ({"arms": {"a": {"markers": {"p16": {"sensitivity": 1}}}}}, "arms.a.markers: must be the same in all arms"),
    ],
)  # fmt: skip
def test_mistakes_in_markers_are_told(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError) as error:
        from_dict(scenario(**more))
    assert words in str(error.value)


# ------------------------------------------------------------------------------------------- time since onset


def test_even_turning_without_loss_has_even_ages() -> None:
    days = np.arange(0.0, 101.0)
    turned = np.r_[0.0, np.full(100, 3.0)][:, None]
    share = share_in_window(days, turned.cumsum(), turned, np.zeros(1), 10.0, 30.0)
    assert share[0] == 0.0
    assert_allclose(share[1:], (np.clip(days[1:], 10, 30) - 10) / days[1:], atol=1e-12)


def test_a_constant_hazard_keeps_exponential_ages() -> None:
    """In the steady state the ages are exponential, whatever the time between rows."""
    every, hazard = 0.5, 0.1
    days = np.arange(0.0, 200.0, every)
    count = (1.0 - np.exp(-hazard * days)) / hazard
    turned = np.full((len(days), 1), every)
    share = share_in_window(days, count, turned, np.zeros(1), 5.0, 20.0)
    assert share[-1] == pytest.approx(math.exp(-0.5) - math.exp(-2.0), rel=0.03)  # cells gone within a row: 1st order


def test_cells_that_were_put_in_are_old_already() -> None:
    days, turned = np.array([0.0, 1.0, 2.0]), np.array([[10.0, 0.0], [0.0, 0.0], [0.0, 10.0]])
    for start, expected in ((20.0, [1, 1, 0.5]), (21.0, [0, 1, 0.5]), (22.5, [0, 0, 0])):
        share = share_in_window(days, np.array([10.0, 10.0, 20.0]), turned, np.array([20.0, 0.0]), start, math.inf)
        assert_allclose(share, expected)
    later = share_in_window(days, np.array([10.0, 10.0, 20.0]), turned, np.array([20.0, 5.0]), 0.0, 5.5)
    assert_allclose(later, [0, 0, 0.25])  # they came in over the day before, so half of them are under 5.5 d


def test_cohorts_agree_with_the_cells_of_a_run() -> None:
    """The share of mature cells by cohorts, against the time of turning that every cell knows."""
    settings = worlds.world(
        worlds.tissue(damage={"baseline": "2 %/d"}, clearance={"own_death": "0.1 1/d"}, repair={"rate": 1}),
        worlds.tissue(initial={"burden": 5}),
        shape=(64, 64), days=30,
    )  # fmt: skip
    tree = together(worlds.as_tree(settings), {"markers": {"late": {**PERFECT, "senescent_from": 8}}})
    found = run(from_dict(tree), replicates=1, seed=1)
    patch = worlds.run(settings, 60, replicate=0, seed=1)
    turned = patch.cells.since[patch.cells.state == 1]
    rows = ReadOut(found, "late")
    assert rows.rows["n_senescent"].iloc[-1] == len(turned)
    error = math.sqrt(0.25 / len(turned))
    assert rows.in_window[-1] == pytest.approx(float(np.mean(30.0 - turned >= 8.0)), abs=4 * error)
    assert 0.3 < rows.in_window[-1] < 0.7


# ---------------------------------------------------------------------------------------------------- counting

DRAWS = 20_000


def animal(state: np.ndarray, chances: tuple[float, float] = (0.0, 1.0)) -> Tissue:
    """A tissue with a map: 0 healthy, 1 senescent, 2 vacant."""
    site = np.full(state.shape, np.nan)
    for code, chance in enumerate(chances):
        site[state == code] = chance
    counts = np.array([(state == code).sum() for code in (0, 1)])
    return Tissue(counts, np.array(chances), site if site.ndim == 3 else site[None])


def test_a_perfect_marker_on_every_cell_tells_the_truth() -> None:
    state = np.random.default_rng(1).integers(0, 3, (20, 20))
    truth = 100 * (state == 1).sum() / (state < 2).sum()
    rng = np.random.default_rng(2)
    assert_array_equal(animal(state).marked_share(Design(cells_per_field=None), 5, rng), truth)
    whole = Design(cells_per_field=400, sections=2, fields=1)  # a field as large as the tissue, wherever it lies
    assert_array_equal(animal(state).marked_share(whole, 5, rng), truth)


def assert_moments(values: np.ndarray, mean: float, variance: float) -> None:
    """Within five standard errors of the expected moments, from the values' own fourth moment."""
    apart = (values - values.mean()) ** 2
    assert values.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / values.size))
    assert apart.mean() == pytest.approx(variance, abs=5 * apart.std() / math.sqrt(values.size))


def test_well_mixed_cells_are_binomial() -> None:
    design = Design(sections=2, fields=3, cells_per_field=50)
    tissue = Tissue(np.array([900, 100]), np.array([0.1, 0.6]))
    share = tissue.marked_share(design, DRAWS, np.random.default_rng(4)) / 100
    q = float(apparent(0.1, 0.6, 0.9))
    assert_moments(share, q, q * (1 - q) / 300)


def test_every_cell_stained_by_chance_is_binomial_too() -> None:
    tissue = Tissue(np.array([900, 100]), np.array([0.1, 0.6]))
    share = tissue.marked_share(Design(cells_per_field=None), DRAWS, np.random.default_rng(4)) / 100
    assert_moments(share, 0.15, (900 * 0.09 + 100 * 0.24) / 1000**2)


def test_fields_of_a_clustered_tissue_have_the_variance_of_all_their_places() -> None:
    """Stripes: the moments over all places a field can take, by hand, and a large design effect."""
    state = np.zeros((12, 30), int)
    state[:, :6] = 1
    share = animal(state).marked_share(
        Design(sections=2, fields=2, cells_per_field=16), DRAWS, np.random.default_rng(5)
    )
    one = np.array([np.take(state, range(x, x + 4), axis=1, mode="wrap")[:4].mean() for x in range(30)])
    assert one.mean() == pytest.approx(0.2)
    assert_moments(share / 100, 0.2, one.var() / 4)
    assert one.var() > 10 * 0.2 * 0.8 / 16


def test_cells_alike_in_a_section_have_its_design_effect() -> None:
    """Sections all senescent or all healthy: beta-binomial with correlation 1 within a section."""
    state = np.zeros((10, 8, 8), int)
    state[:3] = 1
    design = Design(sections=4, fields=3, cells_per_field=9)
    share = animal(state, (0.05, 0.8)).marked_share(design, DRAWS, np.random.default_rng(6)) / 100
    q, between, within = 0.05 * 0.7 + 0.8 * 0.3, 0.75**2 * 0.21, 0.7 * 0.05 * 0.95 + 0.3 * 0.8 * 0.2
    shared = 4 * 3 * 2 + 4 * 3 * 9 / 10  # ordered pairs of fields in one plane: of one section, and of two
    cells = 4 * 27 + shared * 81 / 64  # a cell in two fields is marked in both
    assert_moments(share, q, between / 4 + within * cells / (4 * 27) ** 2)


def test_a_cell_is_marked_once_however_often_it_is_counted() -> None:
    """Every field is the whole section: as one count of all its cells."""
    half = np.full((1, 6, 6), 0.5)
    for tissue in (
        Tissue(np.array([36, 0]), np.array([0.5, 1.0]), half),
        Tissue(np.array([36, 0]), np.array([0.5, 1.0])),
    ):
        design = Design(sections=10, fields=10, cells_per_field=36)
        share = tissue.marked_share(design, 5000, np.random.default_rng(1)) / 100
        assert_moments(share, 0.5, 0.25 / 36)
    tissue = Tissue(np.array([36, 0]), np.array([0.5, 1.0]), half)
    with pytest.raises(ResultsError, match="cells_per_field: must be at most 36, the cells of a section of the tissue"):
        tissue.marked_share(Design(cells_per_field=37), 1, np.random.default_rng(1))


def test_fields_count_each_cell_equally_often_and_vacancies_never() -> None:
    state = np.zeros((9, 9), int)
    state[0, 0], state[4, :] = 1, 2
    share = animal(state).marked_share(Design(sections=1, fields=1, cells_per_field=81), 3, np.random.default_rng(7))
    assert_array_equal(share, 100 / 72)
    corner = animal(state).marked_share(
        Design(sections=1, fields=1, cells_per_field=1), DRAWS, np.random.default_rng(8)
    )
    assert set(corner) == {0.0, 100.0}
    assert corner.mean() == pytest.approx(100 / 81, abs=500 * math.sqrt(1 / 81 / DRAWS))
    nobody = animal(np.full((4, 4), 2)).marked_share(Design(cells_per_field=9), 3, np.random.default_rng(9))
    assert_array_equal(nobody, 0.0)


@pytest.mark.parametrize(
    "wrong", [{"animals": 1}, {"sections": 0}, {"fields": 0}, {"cells_per_field": 0}, {"studies": 0}]
)
def test_sizes_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ResultsError, match=f"study: {next(iter(wrong))}: must be between"):
        study(results(TWO), **wrong)


# ------------------------------------------------------------------------------------------- outcomes, cell types


def test_outcomes_as_a_marker_are_columns_to_compare() -> None:
    tables = marker_outcomes(results(TWO))
    last, mean = (tables[name]() for name in ("burden_as_half", "mean_burden_as_half"))
    assert list(last.columns) == ["arm", "replicate", "tissue", "burden_as_half"]
    assert list(mean.columns) == ["arm", "replicate", "tissue", "mean_burden_as_half"]
    assert_allclose(last["burden_as_half"], 10 + 0.5 * np.array([*TWO["control"], *TWO["graft"]]))
    assert_allclose(mean["mean_burden_as_half"], 10 + 0.375 * np.array([*TWO["control"], *TWO["graft"]]), atol=0.02)
    assert_allclose(tables["burden_as_p16"]()["burden_as_p16"], 0.2)  # all turned since day 0: too young for p16
    assert marker_outcomes(Results({"arms": []}, {}, pd.DataFrame(), pd.DataFrame(), pd.DataFrame())) == {}


def test_cell_types_are_counted_and_marked_apart(tmp_path: Path) -> None:
    """A run with two types: maps and tables tell the same, and a marker that is blind in one type."""
    tissue = worlds.tissue(
        cell_types={"fibroblast": {"fraction": 0.7}, "macrophage": {"fraction": 0.3}}, initial={"burden": 20}
    )
    tree = together(worlds.as_tree(worlds.world(tissue, shape=(30, 30), days=1)), {
        "arms": {"a": {}, "b": {}}, "record": {"maps": ["state", "type"], "days": [1]},
        "markers": {"m": {**HALF, "specificity_by_type": {"macrophage": 0.5}}},
    })  # fmt: skip
    found = run(from_dict(tree), replicates=2, seed=1)
    last = found.timeseries[found.timeseries["day"] == 1].iloc[0]
    h, s = ({k: last[f"n_{k}_{state}"] for k in ("fibroblast", "macrophage")} for state in ("healthy", "senescent"))
    expected = 100 * (0.1 * h["fibroblast"] + 0.5 * h["macrophage"] + 0.6 * sum(s.values())) / 900
    for outcome, truth, seen in (
        ("burden", 100 * sum(s.values()) / 900, expected),
        ("burden_fibroblast", 100 * s["fibroblast"] / (s["fibroblast"] + h["fibroblast"]), None),
    ):
        whole = study(found, outcome, "m", cells_per_field=900, studies=4000, animals=2)
        assert whole.truth["patch", "a"][0] == pytest.approx(truth)
        assert whole.table["sampling"].iloc[0] == "fields"
        read_out = ReadOut(found, "m", outcome)
        place = read_out.rows.index[(read_out.rows["day"] == 1) & (read_out.rows["arm"] == "a")]
        assert seen is None or read_out.seen[place[0]] == pytest.approx(seen)
        assert whole.measured["patch", "a"].mean() == pytest.approx(read_out.seen[place].mean(), abs=0.1)
    assert "burden_macrophage_as_m" in marker_outcomes(found)
