"""What a scenario may say of pigment, and what it is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_pigment import columns_after, pigment_of, skin
from worlds import drug, event, start, tissue, walls

from sim.errors import ScenarioError
from sim.explain import explain
from sim.scenario.load import from_dict
from sim.scenario.schema import Settings
from sim.scenario.trees import Tree
from sim.tissue.state import CLEARED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"melanocytes": ["melanocite"]}, "pigment.melanocytes: must be one of .*did you mean melanocyte"),
        ({"keratinocytes": ["fibroblast"]}, "pigment.keratinocytes: must be one of keratinocyte, melanocyte"),
        ({"keratinocytes": ["melanocyte"]}, "must be other cell types than melanocytes"),
        ({"melanocytes": []}, "must name at least one cell type"),
        ({"activated_by": {"NGFF": {}}}, "pigment.activated_by: must be one of .*did you mean NGF"),
        ({"dendrites": {"resting_reach": 50, "activated_reach": 40}}, "activated_reach must be at least resting_reach"),
        ({"turnover": 0}, "pigment.turnover: must be more than 0"),
        ({"turnovr": 3}, "pigment.turnovr: unknown key .*turnover"),
    ],
)
def test_mistakes_are_named(change: Tree, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        skin(tissue(pigment=change))


def test_dendrites_must_not_meet_themselves_around_the_tissue() -> None:
    with pytest.raises(ScenarioError, match="activated_reach: must be below half of every periodic axis"):
        skin(walls("periodic", 2), shape=(6, 20))
    with pytest.raises(ScenarioError, match="must not be in a well-mixed tissue"):
        skin(tissue(well_mixed=True))


def notes_of(settings: Settings, **top: Any) -> str:
    tree = settings.model_dump(exclude_none=True, exclude_unset=True)
    return "\n".join(from_dict({**tree, "days": 30, **top}).notes)


def test_what_does_nothing_is_told() -> None:
    assert "nothing wakes melanocytes" in notes_of(skin(tissue(pigment={"activated_by": None})))
    assert "below the distance of neighbouring cells" in notes_of(skin(dendrites={"resting_reach": 5}))
    assert "pigment: is not followed with mode: well_mixed" in notes_of(
        skin({"events": {"sun": None}}), mode="well_mixed"
    )
    creamed = drug({"inhibit_melanin_synthesis": {"emax": 0.5, "ec50": 1}})
    assert "(no pigment)" in notes_of(skin(creamed, tissue(pigment=None)))
    assert "no pigment" not in notes_of(skin(creamed))


def test_pigment_is_told_in_words() -> None:
    tree = skin().model_dump(exclude_none=True, exclude_unset=True)
    told = " ".join(explain(from_dict({**tree, "days": 30})).split())
    assert "Cells of type melanocyte wake by IGFBP3" in told
    assert "less transfer raises melanin_in_melanocytes and lowers melanin_in_keratinocytes" in told
    assert "pigment melanocytes wake, make melanin and hand it over" in told.replace(":", "")
    assert "Pigment." not in " ".join(explain(from_dict({**tree, "days": 30, **tissue_without(tree)})).split())


def tissue_without(tree: Tree) -> Tree:
    about = {key: value for key, value in tree["tissues"]["patch"].items() if key != "pigment"}
    return {"tissues": {"patch": about}}


def test_a_refilled_site_keeps_its_type_where_asked() -> None:
    """Else the types drift with the luck of the mothers."""
    wound = event("wound", kind="wound", day=1, radius=60, margin=0)
    for keeps in (True, False):
        settings = skin(wound, {"events": {"sun": None}}, tissue(repair={"rate": 5, "keeps_types": keeps}))
        for engine in ("compiled", "agents"):
            simulation = start(settings, engine=engine)
            before = simulation.patches["patch"].cells.cell_type.copy()
            for _ in range(25):
                simulation.step()
            cells = simulation.patches["patch"].cells
            assert np.count_nonzero(cells.state == CLEARED) == 0
            assert np.array_equal(cells.cell_type, before) is keeps


def test_what_the_environment_does_shows_from_the_start_and_in_a_future() -> None:
    """Twice the synthesis is twice the melanin of resting skin, whether it was so from day 0 on or comes later."""
    rates = {"making": {"of": ["tissues.patch.pigment.synthesis"], "q10": 2}}
    around: Tree = {"reference": {"temperature": 20}, "rates": rates}
    cool, warm = (skin({"environment": {"temperature": degrees, **around}}) for degrees in (20, 30))
    assert columns_after(cool, 0)["melanin_mean"] == pytest.approx(1.0, rel=1e-12)
    assert columns_after(warm, 0)["melanin_mean"] == pytest.approx(2.0, rel=1e-12)
    past, future = start(cool), start(warm)
    future.restore(past.state())
    resting = {pigment_of(each).complexion.reference for each in (past, future, start(warm))}
    assert len(resting) == 1


def test_senescent_cells_of_the_start_are_not_resting_skin() -> None:
    """It is they who differ from the skin that tables compare with, not that skin."""
    aged, young = (skin(tissue(initial={"burden": burden}), senescent_transfer=0.5) for burden in (80, 0))
    assert pigment_of(start(aged)).complexion.reference == pigment_of(start(young)).complexion.reference
