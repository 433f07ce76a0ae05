"""Rules of a user's own: the same bits as agents and as loops, nobody else's luck moved, known answers, honest errors.

The rule is that of docs/extending.md, as a reader saves it.
"""

from __future__ import annotations

import importlib
import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from everything import everything
from worlds import as_tree, assert_same, counts, event, factor, run, start, tissue, together, world

import sim
from sim.analysis.causes import removal_columns, turning_causes
from sim.cli import main
from sim.engines import engine_name
from sim.errors import ScenarioError
from sim.explain import explain
from sim.rng import Purpose
from sim.scenario.causes import FIXED, code_keys, event_names
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.tissue.state import CLEARED, HEALTHY, SENESCENT

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
WOUND = event("gap", kind="wound", day=2, radius=35, share=0)
HEALING = tissue(repair={"rate": 0.3}, damage={"baseline": 1})


def own(name: str, becomes: str = "senescent", **numbers: float) -> Tree:
    """A cause of one's own."""
    return {"own_causes": {name: {"becomes": becomes, "numbers": numbers}}}


STRAIN = own("strain", spared=1, rate=0.3)


@pytest.fixture(scope="module")
def strained(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The module that the page tells its reader to save, where an import finds it."""
    folder = tmp_path_factory.mktemp("user")
    blocks = re.findall(r"[Ss]ave as `([^`]+)`:\n\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for name, text in blocks:
        (folder / Path(name).name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    yield importlib.import_module("strained")
    sys.path.remove(str(folder))
    del sys.modules["strained"]


class ConstantCell(sim.Cell):
    """Hazards as the scenario gives them."""

    def own_hazards(self, t: float) -> Mapping[str, float]:
        return {name: numbers["rate"] for name, numbers in self.numbers.items()}


class ConstantCells(sim.AgentsEngine):
    cell = ConstantCell


class ConstantLoops(sim.CompiledEngine):
    def own_hazards(self, t: float) -> Mapping[str, np.ndarray]:
        n = self.patch.geometry.n_sites
        return {name: np.full(n, numbers["rate"]) for name, numbers in self.numbers.items()}


class QuorumCell(sim.Cell):
    """It reads a level and a day."""

    def own_hazards(self, t: float) -> Mapping[str, float]:
        return {"quorum": 0.05 * self.level("SASP") + 0.01 * t}


class QuorumCells(sim.AgentsEngine):
    cell = QuorumCell


class QuorumLoops(sim.CompiledEngine):
    def own_hazards(self, t: float) -> Mapping[str, np.ndarray]:
        return {"quorum": 0.05 * self.level("SASP") + 0.01 * t}


# ---------------------------------------------------------------------------------------------------------- same bits


def test_agents_and_loops_give_the_same_bits(strained: ModuleType) -> None:
    """Over 100 steps, on one thread and on two, beside damage, contact, repair, SASP, evasion and patrols."""
    more = together(
        factor(reach=25, induction={"hill": {"max_rate": 0.05}}),
        tissue(initial={"burden": 5}, evasion={"immune": 0.2}),
        tissue(contact={"at_once": 0.2}, clearance={"max_rate": 4}, patrols={"nk": {"density": 3, "speed": 150}}),
    )  # fmt: skip
    settings = world(WOUND, HEALING, STRAIN, more, shape=(24, 20), dt=0.25)
    agents = start(settings, engine=strained.StrainedCells)
    loops = [start(settings, engine=strained.StrainedLoops, threads=threads) for threads in (1, 2)]
    for _ in range(100):
        for simulation in (agents, *loops):
            simulation.step()
        for simulation in loops:
            assert_same(agents.patches["patch"], simulation.patches["patch"])
    seen = counts(agents.patches["patch"])
    assert min(seen[name] for name in ("strain", "damage", "repaired", "contact", "patrols", "immune")) > 3


@pytest.mark.parametrize("space", ["plane", "cloud"])
def test_a_rule_that_reads_a_level_gives_the_same_bits_everywhere(space: str) -> None:
    tree = {**as_tree(everything(space, "reflecting", "all")), **own("quorum")}
    settings = from_dict(tree).common
    agents, loops = (start(settings, engine=each) for each in (QuorumCells, QuorumLoops))
    for _ in range(20):
        agents.step()
        loops.step()
        assert_same(agents.patches["patch"], loops.patches["patch"])
    assert counts(loops.patches["patch"])["quorum"] > 20


@pytest.mark.parametrize(
    "how", [{"engine": ConstantLoops}, {"engine": ConstantLoops, "threads": 2}, {"engine": ConstantCells}]
)
def test_hazards_of_zero_change_no_bit(how: dict[str, object]) -> None:
    settings = everything("plane", "reflecting", "all")
    idle = from_dict({**as_tree(settings), **own("idle", rate=0)}).common
    plain, with_rule = run(settings, 30), run(idle, 30, **how)
    assert_same(plain, with_rule, without=("cum",))
    assert {**counts(plain), "idle": 0} == counts(with_rule)


def test_draws_are_its_own(strained: ModuleType) -> None:
    """Where the rule takes nobody, every cell fares as without it: no other draw moves."""
    settings = world(tissue(damage={"baseline": 3}), STRAIN)  # no vacant site anywhere
    plain = world(tissue(damage={"baseline": 3}))
    assert_same(run(plain, 30), run(settings, 30, engine=strained.StrainedLoops), without=("cum",))
    assert [purpose.value for purpose in Purpose][-1] == Purpose.OWN == 16


# ------------------------------------------------------------------------------------------------------ known answers


def test_a_constant_hazard_leaves_the_share_that_it_must() -> None:
    """Of n cells in a quiet tissue 1 - exp(-h t) turn: binomial, whatever the step."""
    n, rate, days = 128 * 128, 0.05, 20
    p = 1.0 - math.exp(-rate * days)
    for dt in (0.5, 2.0):
        patch = run(world(own("own", rate=rate), shape=(128, 128), dt=dt), round(days / dt), engine=ConstantLoops)
        assert counts(patch)["own"] == np.count_nonzero(patch.cells.state == SENESCENT)
        assert abs(counts(patch)["own"] / n - p) < 4.0 * math.sqrt(p * (1.0 - p) / n)


def test_beside_damage_the_sum_of_hazards_decides() -> None:
    """Whether anything happens is exact; which of both is off by h dt / 2 of the own events, as the page says."""
    n, damage, rate, dt = 160 * 160, 0.04, 0.06, 1.0
    settings = world(tissue(damage={"baseline": 100 * damage}), own("own", rate=rate), shape=(160, 160), dt=dt)
    patch = run(settings, 1, engine=ConstantLoops)
    seen = counts(patch)
    p_any, p_own = 1.0 - math.exp(-damage - rate), math.exp(-damage) * (1.0 - math.exp(-rate))
    for got, p in ((seen["damage"] + seen["own"], p_any), (seen["own"], p_own)):
        assert abs(got / n - p) < 4.0 * math.sqrt(p * (1.0 - p) / n)
    competing = p_any * rate / (damage + rate)
    assert p_own / competing == pytest.approx(1.0 - 0.5 * damage * dt, abs=damage**2)


@pytest.mark.parametrize(("becomes", "state"), [("senescent", SENESCENT), ("cleared", CLEARED), ("healthy", HEALTHY)])
def test_each_cause_befalls_those_that_can_become_it(becomes: str, state: int) -> None:
    half = tissue(initial={"burden": 50})
    patches = [
        run(world(half, own("own", becomes, rate=1e3)), 1, engine=each) for each in (ConstantLoops, ConstantCells)
    ]
    assert_same(*patches)
    before = run(world(half), 0)
    asked = before.cells.state == (HEALTHY if becomes == "senescent" else SENESCENT)
    assert (patches[0].cells.state[asked] == state).all()
    assert (patches[0].cells.state[~asked] == before.cells.state[~asked]).all()
    assert counts(patches[0])["own"] == np.count_nonzero(asked)


# ------------------------------------------------------------------------------------------------ codes and the tables


def test_codes_of_own_causes_stand_at_the_end() -> None:
    settings = everything("plane", "reflecting", "all")
    longer = from_dict({**as_tree(settings), **own("mine", rate=0)}).common
    assert event_names(longer) == (*event_names(settings), "mine")
    assert code_keys(longer) == (*code_keys(settings), "own mine")
    assert event_names(settings)[: len(FIXED)] == FIXED


def test_tables_count_own_causes_and_workers_give_the_same(strained: ModuleType, tmp_path: Path) -> None:
    change = together(WOUND, HEALING, STRAIN, own("cure", "healthy"))
    tree = {**as_tree(world(change)), "days": 10, "replicates": 2}
    tree["record"] = {"maps": ["cause"], "days": [10], "checkpoints": [5]}
    scenario = from_dict(tree)
    results = sim.run(scenario, engine=strained.StrainedLoops, out=tmp_path / "out")
    table = results.timeseries
    assert table["cum_strain"].max() > 5
    assert (table.groupby("replicate")["new_strain"].cumsum() == table["cum_strain"]).all()
    assert {"due_to_strain", "new_cure", "cum_cure"} <= set(table)
    assert "due_to_cure" not in table  # it turns nobody
    assert "cure" not in turning_causes(results)
    assert "new_cure" in removal_columns(results)
    assert "strain" in turning_causes(results)
    assert "new_strain" not in removal_columns(results)
    assert re.fullmatch(r"strained:StrainedLoops \(source [0-9a-f]{8}\)", results.manifest["engine"])
    others = sim.run(scenario, engine="strained:StrainedLoops", workers=2)
    assert others.timeseries.equals(table)
    assert len(results.plot.causes().axes) > 0
    # what goes on from a checkpoint keeps its causes, also beside a new one
    file = results.checkpoint("control", 0, 5)
    futures = from_dict({**tree, "own_causes": {"late": {}, **tree["own_causes"]}})
    gone_on = sim.branch(file, futures, engine="strained:StrainedLoops").timeseries
    whole = table.query("replicate == 0 and day >= 5").reset_index(drop=True)
    assert (gone_on["cum_strain"].to_numpy() == whole["cum_strain"].to_numpy()).all()
    assert (gone_on["n_senescent"].to_numpy() == whole["n_senescent"].to_numpy()).all()


def test_attribution_says_which_cells_it_leaves_out() -> None:
    """Of those that an own cause turned nobody knows the sender; of what it does before the run, nobody anything."""
    watched: Tree = {"record": {"attribution": True}}
    sasp = factor(reach="30 um", induction={"linear": {"rate": 0.02}})
    note = "record.attribution: knows no senders of cells turned by strain, so R_s leaves these out"
    both = from_dict({**as_tree(world(sasp, STRAIN, own("cure", "healthy"))), **watched})
    assert note in both.notes
    assert note not in from_dict({**as_tree(world(sasp, own("cure", "healthy"))), **watched}).notes
    told = " ".join(explain(both).split())
    assert "not told, because what rules of your own do (strain and cure) is not known here" in told


def test_the_page_can_be_followed(strained: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(strained.__file__ or "").parent
    configs = Path(__file__).parents[2] / "configs"
    (folder / "skin_graft.yaml").write_text((configs / "skin_graft.yaml").read_text("utf-8"), encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["validate", *map(str, sorted(folder.glob("*.yaml")))])
    assert not stop.value.code, capsys.readouterr().err
    assert len(capsys.readouterr().out.splitlines()) == 7


def test_the_command_finds_a_module_in_this_folder(
    strained: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(strained.__file__ or "").parent)
    monkeypatch.setattr(sys, "path", list(sys.path))
    small = (
        "--set",
        "tissues.skin.shape=[16, 16]",
        "--set",
        "events.gap.radius=60",
        "--days",
        "6",
        "--replicates",
        "1",
    )
    with pytest.raises(SystemExit) as stop:
        main(["run", "gap.yaml", "--engine", "strained:StrainedLoops", "--out", "out", *small])
    assert not stop.value.code
    assert "senodrift run gap.yaml --engine strained:StrainedLoops --set" in capsys.readouterr().out
    assert sim.read_results("out").timeseries["cum_strain"].max() > 0
    with pytest.raises(SystemExit) as stop:
        main(["run", "gap.yaml", "--engine", "strained:StrainedLoops", "--out", "past", *small, "--arms", "strain",
              "--set", "record.checkpoints=[3]"])  # fmt: skip
    assert not stop.value.code
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(["branch", "past/checkpoints", "gap.yaml", "--engine", "strained:StrainedLoops", "--out", "on",
              *small[:4], "--set", "days=6", "--arms", "strain"])  # fmt: skip
    assert not stop.value.code
    assert "senodrift branch past/checkpoints gap.yaml --engine strained:StrainedLoops --set" in capsys.readouterr().out
    past, on = (sim.read_results(name).timeseries for name in ("past", "on"))
    assert on["cum_strain"].iloc[-1] == past["cum_strain"].iloc[-1]
    with pytest.raises(SystemExit):
        main(["explain", "gap.yaml"])
    told = " ".join(capsys.readouterr().out.split())
    assert "strain: healthy cells become senescent, with spared 2, rate 0.2." in told
    assert "own_cause strain: numbers.spared 2, numbers.rate 0.2." in told  # among what is assumed


# ------------------------------------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (own("damage"), "own_causes.damage: must not share the cause damage with a cause of its own, got 'damage'"),
        (
            together(own("cut"), event("cut", kind="removal")),
            "own_causes.cut: must not share the cause cut with events.cut",
        ),
        (own("two words"), "own_causes.two words: must be letters, digits and _"),
        (
            own("x", **{"a.b": 1}),
            "own_causes.x.numbers: must be letters, digits and _, starting with a letter, got 'a.b'",
        ),
        (own("x", "scarred"), "own_causes.x.becomes: must be senescent, cleared or healthy, got 'scarred'"),
        ({"own_causes": {"x": {"rate": 1}}}, "own_causes.x.rate: unknown key, known: becomes, numbers"),
        ({"own_causes": {f"x{i}": {} for i in range(250)}}, "must leave at most 256 causes, got 262"),
    ],
)
def test_a_cause_that_cannot_be(change: Tree, message: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(message)):
        world(change)


class NoEngine:
    """It has no phases."""


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("agens", "engine: must be one of compiled, agents, or MODULE:CLASS, got 'agens' (did you mean agents?)"),
        ("no_such_module:Engine", "(ModuleNotFoundError: No module named 'no_such_module')"),
        ("math:Engine", "(AttributeError: module 'math' has no attribute 'Engine')"),
        (NoEngine, "engine: must be a subclass of sim.AgentsEngine or sim.CompiledEngine, got <class"),
        (
            "compiled",
            "own_causes: must have an engine of your own with their rules (engine: MODULE:CLASS), got 'compiled'",
        ),
    ],
)
def test_an_engine_that_cannot_be(engine: object, message: str) -> None:
    scenario = from_dict(as_tree(world(STRAIN)))
    for call in (lambda: sim.run(scenario, engine=engine), lambda: start(scenario.common, engine=engine)):
        with pytest.raises(ScenarioError, match=re.escape(message)):
            call()


def test_other_processes_cannot_import_a_class_of_a_function() -> None:
    class Here(ConstantLoops):
        pass

    scenario = from_dict(as_tree(world(own("x", rate=0))))
    with pytest.raises(ScenarioError, match=r"workers: must be 1 with an engine of a notebook or a script .*, got 2"):
        sim.run(scenario, engine=Here, workers=2)
    assert engine_name(ConstantLoops).startswith("test_own_rules:ConstantLoops (source ")
    assert engine_name("agents") == "agents"


def test_well_mixed_individuals_have_no_cells_for_a_rule() -> None:
    tree = {"mode": "well_mixed", "days": 10, "tissues": {"body": {"preset": "karin_mouse_survival"}}}
    with pytest.raises(ScenarioError, match="engine: must be left out with mode: well_mixed"):
        sim.run(from_dict(tree), engine=ConstantLoops)
    with pytest.raises(ScenarioError, match=r"own_causes.x: is not possible with mode: well_mixed, got one"):
        from_dict({**tree, **own("x")})


@pytest.mark.parametrize("engine", [ConstantLoops, ConstantCells])
@pytest.mark.parametrize("rate", [-1.0, math.nan, math.inf])
def test_a_hazard_that_cannot_be(engine: type, rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = start(world(own("x", rate=0)), engine=engine)
    made = simulation.engines["patch"]
    numbers = made.numbers if engine is ConstantLoops else made.tissue.numbers
    numbers["x"]["rate"] = rate
    with pytest.raises(ScenarioError, match=r"own_causes.x: must have hazards of at least 0 1/d, got"):
        simulation.step()


def test_an_array_of_another_size() -> None:
    class TooFew(ConstantLoops):
        def own_hazards(self, t: float) -> dict[str, np.ndarray]:
            return {"x": np.ones(3)}

    simulation = start(world(own("x", rate=0)), engine=TooFew)
    with pytest.raises(
        ScenarioError, match=r"own_causes.x: must be a number, or an array of \d+, one per site, got .*3,"
    ):
        simulation.step()


@pytest.mark.parametrize("engine", [QuorumLoops, QuorumCells])
def test_a_cause_that_the_scenario_lacks(engine: type) -> None:
    settings: Settings = world(factor(reach=25), own("quorom"))
    message = r"own_causes: must name every cause that a rule gives \(quorom\), got 'quorum' \(did you mean quorom\?\)"
    with pytest.raises(ScenarioError, match=message):
        start(settings, engine=engine).step()
