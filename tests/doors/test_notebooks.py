"""Every notebook runs from top to bottom, one of its numbers is known beforehand; none is committed with outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from ipykernel.kernelspec import write_kernel_spec
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
KNOWN = {  # notebook to lines that hold after its last cell
    "01_first_run.ipynb": """
# What graft and sham graft differ by on day 0: a million cells of the 1e8 that 64 x 64 sites stand for.
first = results.timeseries.query("day == 0 and tissue == 'skin'")
first = first.pivot(index="replicate", columns="arm", values="n_senescent")
assert (first["graft"] - first["sham"] == round(1e6 / 1e8 * 64 * 64)).all(), first
again = results_wide.timeseries.query("arm != 'graft_far_reach'").reset_index(drop=True)
assert results.timeseries.equals(again), "old arms must come out as before"
lower = effects.query("tissue == 'skin' and outcome == 'burden' and arm != 'graft_far_reach'")
assert set(lower.difference < 0) == {True}
""",
    "02_explore.ipynb": """
# A slider is an override: the same tables. Without a dose both arms are one tissue, without drift nobody drifts.
explorer.sliders[dose].value = 0.0
again = sim.run(explorer.scenario.override({**from_file, dose: 0.0}), replicates=1)
assert explorer.results.timeseries.equals(again.timeseries)
by_arm = again.timeseries.pivot(index="day", columns="arm", values=["n_healthy", "n_senescent", "cum_drift"])
assert by_arm.xs("graft", axis=1, level="arm").equals(by_arm.xs("systemic", axis=1, level="arm"))
explorer.sliders[drift].value = 0.0
assert by_arm["cum_drift"].iloc[-1].gt(0).all() and explorer.results.timeseries["cum_drift"].eq(0).all()
""",
    "03_compare_strategies.ipynb": """
# More replicates leave the first ones as they were; before the first dose a mouse is the same in all arms.
first = results.timeseries.query("replicate < 4").reset_index(drop=True)
assert first.equals(few.timeseries)
before = results.timeseries.query("day <= 14").pivot(index=["day", "replicate"], columns="arm", values="n_senescent")
assert before.nunique(axis=1).eq(1).all()
lost = sim.compare(results, outcomes=["off_target_loss"]).set_index("arm")["mean"]
assert lost["continuous"] == 0 < lost["hit_and_run"]
assert abs(sim.rank(results, "mean_burden")["p_best"].sum() - 1) < 1e-9
""",
    "04_sweep_and_sensitivity.ipynb": """
# Cells without affinity never drift; damage and SASP raise the burden, clearance lowers it; all points share luck.
ends = sweep.points.merge(sweep.outcomes).set_index("factors.drift.affinity.fibroblast")["cum_drift"]
assert len(ends) == 54 and ends[0].eq(0).all() and ends[4].max() > 0
damage, clearance, spread = found.index("mu")["estimate"]
assert damage > 0 > clearance and spread > 0
assert (found.index("mu")["estimate"].abs() <= found.index("mu_star")["estimate"] + 1e-12).all()
assert 0 < found.luck < 1
""",
    "05_skin_graft.ipynb": """
# On day 0 graft and sham differ by a million cells of the 1e8 that the skin stands for, and by nothing far away;
# whoever is treated from day 28 on is as the untreated until then; no site is lost.
first = results.timeseries.query("day == 0").pivot(index=["tissue", "replicate"], columns="arm", values="n_senescent")
more = first["graft"] - first["sham"]
assert more["skin"].eq(round(1e6 / 1e8 * 64 * 64)).all() and more.drop("skin").eq(0).all()
before = results.timeseries.query("day <= 28 and arm != 'sham'")
before = before.pivot(index=["tissue", "replicate", "day"], columns="arm", values="n_senescent")
assert before.nunique(axis=1).eq(1).all()
sites = results.timeseries.groupby("tissue")[["n_healthy", "n_senescent", "n_cleared", "n_scarred"]].sum().sum(axis=1)
rows = results.timeseries["tissue"].value_counts()
assert (sites / rows).to_dict() == {"skin": 64 * 64, **dict.fromkeys(organs, 40 * 40)}
""",
    "06_senolytic_or_senomorphic.ipynb": """
# Who stops on day 74 is until then as those who go on; a drug that mutes takes no cell; to spare the call changes no
# untreated mouse.
muted = results.timeseries.query("day <= 74").pivot(index=["day", "replicate"], columns="arm", values="n_senescent")
assert muted["continuous"].equals(muted["stopped_after_60_days"].rename("continuous"))
taken = effects.query("outcome == 'off_target_loss'").set_index("arm")["mean"]
assert taken[["continuous", "young_continuous"]].eq(0).all() and taken["young_hit_and_run"] > 0
same = [each.timeseries.query("arm == 'young_none'")["n_senescent"].tolist() for each in (results, call)]
assert same[0] == same[1]
""",
    "07_dark_spots.ipynb": """
# Who never meets the sun has no spot; creams change no cell; synthesis and transfer leave the melanocytes awake, and
# only a block of transfer fills them.
table = results.timeseries.set_index(["arm", "day"])
assert table.loc["no_sun", ["n_senescent", "spot_area"]].eq(0).all(axis=None)
creams = ["vehicle", "glabridin_release", "glabridin_synthesis", "niacinamide_transfer", "glabridin_stopped"]
wide = results.timeseries.pivot(index="day", columns="arm", values=["n_senescent", *marks])
assert wide["n_senescent"][creams].nunique(axis=1).eq(1).all()
awake = wide["activation_mean"]
assert awake[["vehicle", "glabridin_synthesis", "niacinamide_transfer"]].nunique(axis=1).eq(1).all()
assert (awake["glabridin_release"] <= awake["vehicle"]).all()
fuller = change["melanin_in_melanocytes"].gt(0)
assert fuller.index[fuller].tolist() == ["niacinamide_transfer"]
""",
    "08_your_own_rule.ipynb": """
assert same_table and np.array_equal(ours, theirs)
strained = results.timeseries.pivot(index=["replicate", "day"], columns="arm", values="cum_strain")
assert (strained["no_strain"] == 0).all()
assert (strained.query("day <= 2")["strain"] == 0).all(), "nobody is strained before there is a gap"
assert (strained.query("day == 30")["strain"] > 20).all(), strained
assert effects.query("arm == 'strain'").difference_low.min() > 0
""",
    "09_your_own_tissue.ipynb": """
import shutil
# The state of day 0 is that of the stain; and the exported cells of the last day begin a new run.
first = results.maps("as_it_is")["state"][0]
assert (first == (about["p16"] > 2.5)).all()
assert both.loc["section"].equals(both.loc["maps"].rename("section")), both
assert section.rows["n_senescent"].item() == (about["p16"] > 2.5).sum() == (first == 1).sum()
words = np.array(["healthy", "senescent", "cleared", "scarred"])
assert words[begun.maps("as_it_is")["state"][0]].tolist() == last["state"].tolist()
assert (run["SASP"].values == results.maps("graft")["SASP"]).all()
burden = results.timeseries.query("day == 40").groupby("arm")["burden"].mean()
assert burden["senolytic"] < burden["as_it_is"] < burden["graft"], burden
shutil.rmtree(folder)
""",
}


@pytest.fixture(autouse=True)
def _this_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernel `python3` is the interpreter that runs the tests, whatever else a user has installed under that name."""
    write_kernel_spec(str(tmp_path / "kernels" / "python3"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))


def test_every_notebook_has_a_known_number() -> None:
    assert {path.name for path in NOTEBOOKS.glob("*.ipynb")} == set(KNOWN)


def test_every_notebook_is_listed() -> None:
    listed = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
    assert [name for name in KNOWN if f"]({name})" not in listed] == []


@pytest.mark.tour
@pytest.mark.parametrize("name", KNOWN)
def test_executes_to_a_known_number(name: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(KNOWN[name]))
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    figures = [
        output for cell in notebook.cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})
    ]
    assert len(figures) >= 3


@pytest.mark.parametrize("name", KNOWN)
def test_is_committed_without_outputs(name: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert {cell.execution_count for cell in code} == {None}
