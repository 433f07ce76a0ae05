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
    "09_your_own_tissue.ipynb": """
import shutil
# The state of day 0 is that of the stain; and the exported cells of the last day begin a new run.
first = results.maps("as_it_is")["state"][0]
assert (first == (about["p16"] > 2.5)).all()
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
