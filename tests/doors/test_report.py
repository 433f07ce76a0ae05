"""The report: one file without a network, the numbers of `sim.compare`, nothing hidden that went wrong."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import sync_playwright
from test_cli import call
from test_figures import assert_tidy, make, words
from worlds import QUIET

import sim
from sim.analysis.treatment import dose_table
from sim.errors import ResourceError, ResultsError
from sim.experiment.provenance import command
from sim.report.effects import _digits_of, _shown, answer, outcome_names
from sim.report.methods import methods, reproduce
from sim.report.parameters import gathered
from sim.results import DOSE_COLUMNS, Results, read_results
from sim.scenario.ledger import Row
from sim.scenario.load import from_dict
from tests.browser import CHROMIUM, in_a_browser

DEFAULT = "0.138 %/d"  # of damage.baseline
QUESTION = '<script>alert("x")</script> & why?'
BOOK = {"value": 0.01, "source": "a book & its <b>", "confidence": "measured"}
WORLD: dict[str, Any] = {
    "question": QUESTION, "qualitative": True, "days": 6, "dt": 0.5, "replicates": 3,
    "tissues": {"skin": {**QUIET, "shape": [8, 8], "initial": {"burden": 20},
                         "damage": {"baseline": BOOK, "per_year": 0}}},
    "factors": {"SASP": {"reach": 20, "induction": {"hill": {"max_rate": 0.5, "half_max": 10, "power": 2}}}},
    "drugs": {"pill": {"half_life": "1 d", "route": "oral", "absorption_half_life": "1 h", "effects": {
        "kill_senescent": {"emax": 2.0, "ec50": 5}}}},
    "record": {"maps": ["state", "SASP"], "maps_every": 2},
    "arms": {"none": {}, "treated": {"treatments": {"course": {"drug": "pill", "amount": 10, "interval": 2}}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder of two arms, with a report."""
    home = tmp_path_factory.mktemp("report") / "run"
    sim.write_report(sim.run(from_dict(WORLD, name="small"), out=home))
    return home


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


class Tags(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def spoken(results: Results, tmp_path: Path) -> str:
    """The words of a report, without style and script."""
    return words_of(sim.write_report(results, tmp_path / "report.html").read_text(encoding="utf-8"))


def words_of(text: str) -> str:
    return " ".join(Tags(re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL)).text.split())


# ---------------------------------------------------------------------------------------------------- self-contained


def test_nothing_is_asked_of_a_network(page: str) -> None:
    found = Tags(page)
    addresses = [told[key] for _, told in found.tags for key in ("src", "href", "srcset") if told.get(key)]
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert found.of("link") == found.of("iframe") == []
    words = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", page)
    assert re.findall(r"https?:|//\w+\.|url\(|@import|fetch\(|XMLHttp", words) == []
    policy = found.of("meta")[2]
    assert str(policy["content"]).startswith("default-src 'none'; img-src data:")


def test_it_is_escaped_and_accessible(page: str) -> None:
    found = Tags(page)
    assert len(found.of("script")) == 1
    assert QUESTION in found.text
    assert "a book & its <b>" in found.text
    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert all(each.get("alt") for each in found.of("img"))
    assert len(found.of("h1")) == 1
    assert page.count("<table>") == page.count("<caption>")
    named = {each["aria-labelledby"] for each in found.of("section")}
    assert named <= {each.get("id") for each in found.of("h2")}


def test_the_same_results_give_the_same_bytes(folder: Path, page: str, tmp_path: Path) -> None:
    again = sim.write_report(read_results(folder), tmp_path / "again.html")
    assert again.read_text(encoding="utf-8") == page


# ----------------------------------------------------------------------------------------------------- what it says


def test_numbers_are_those_of_compare(folder: Path, page: str) -> None:
    results = read_results(folder)
    names = outcome_names(results)
    assert names == ["burden", "exposure_SASP"]
    told = [float(value) for value in re.findall(r'<data value="([^"]+)">', page)]
    columns = ["mean", "baseline_mean", "difference", "difference_low", "difference_high", "p_holm"]
    rows = [sim.compare(results, outcomes=[name])[columns].iloc[0] for name in names]
    assert told == [float(value) for row in rows for value in row if np.isfinite(value)]


def test_it_tells_arms_doses_and_methods(folder: Path, page: str) -> None:
    results, said = read_results(folder), words_of(page)
    row = sim.compare(results).iloc[0]
    assert f"treated: {row['mean']:.1f} %, {abs(row['difference']):.1f} points less than in none (95 % interval" in said
    assert "Qualitative." in said
    assert "none The common part as it stands." in said
    assert "course: pill 10 mg/kg, oral; 3 doses, every 2 d: days 0, 2, 4" in said
    assert "Each arm was run 3 times (seed 0)." in said
    assert "skin: 8 x 8 sites (0.08 x 0.08 mm)" in said
    assert "95 % t interval" in said
    assert f"commit {results.manifest['commit']}" in said
    assert "It was run from Python, not by a command." in said
    assert (
        "results folder alone, whose scenario.yaml has every value written out: senodrift run scenario.yaml Versions"
        in said
    )
    assert "Length: 6 days." in said
    assert re.search(r"Figure 3\. small: maps of replicate 0\.", said)
    assert "Cells removed since are still counted." in said
    assert "run did not finish" not in said


def test_futures_are_told_from_their_checkpoint(tmp_path: Path) -> None:
    past = sim.run(from_dict({**WORLD, "record": {"checkpoints": [4]}, "arms": {"none": {}}}), out=tmp_path / "past")
    for place, how in [
        (past.checkpoint("none"), "{} scenario.yaml --replicates 2"),
        (tmp_path / "past" / "checkpoints", "{} scenario.yaml"),
    ]:
        n = 2 if "--rep" in how else None
        results = sim.branch(place, from_dict({**WORLD, "arms": {"none": {}}}, name="small"), replicates=n)
        said = spoken(results, tmp_path)
        assert f"senodrift branch {how.format(place)} Versions" in said
        assert f"{place} (day 4, from which it goes on):" in said
        assert "senodrift run" not in said
        assert "Length: from day 4, the day of a checkpoint, to day 6." in said
        one = "the same" if n else "its own"
        assert f"day 4 (of the arm none; every replicate from {one} checkpoint) to day 6, in 4 steps of 12 h." in said


OWN = {"own_causes": {"strain": {"becomes": "senescent"}}}
PAST = {"checkpoint": "p.npz", "files": 1, "arm": "none", "day": 4.0, "replicates": [0, 1]}


@pytest.mark.parametrize(
    ("engine", "past", "again", "needs"),
    [
        ("compiled", None, "senodrift run scenario.yaml", ""),
        ("agents", None, "senodrift run scenario.yaml --engine agents", ""),
        ("m:Mine (source 1)", None, "senodrift run scenario.yaml --engine m:Mine",
         "the module m with the engine m:Mine (source 1)"),
        ("__main__:Mine", None, "sim.run(sim.load('scenario.yaml'), engine=Mine)",
         "the notebook or script with the engine __main__:Mine"),
        ("m:Mine", PAST, "sim.branch('p.npz', sim.load('scenario.yaml'), replicates=2, engine='m:Mine')",
         "the checkpoint p.npz (day 4, from which it goes on) and the module m with the engine m:Mine"),
    ],
)  # fmt: skip
def test_how_to_make_it_again(engine: str, past: dict[str, Any] | None, again: str, needs: str) -> None:
    results = make(layers=(), engine=engine, **({"past": past} if past else {}))
    assert reproduce(results) == {"typed": "", "again": again, "needs": needs}


def test_methods_name_an_engine_of_ones_own() -> None:
    results = make(layers=(), engine="m:Mine (source 1)")
    own, none = (" ".join(methods(results, from_dict({**WORLD, **more}))) for more in (OWN, {}))
    assert "engine: m:Mine (source 1), which is not part of Senodrift). Its rules differ from the model, " in own
    assert "causes of its own: strain (a cell becomes senescent)." in own
    assert "Its rules may differ from those of the model: they stand in its source." in none


def test_the_answer_is_where_the_effect_is() -> None:
    results = make(arms=["a", "b"], tissues=("skin", "liver"), flat=True, layers=())
    (same,) = answer(results)[1]
    assert same == "b in skin: 1.00 %, the same as in a, and so in every tissue (2 pairs of replicates)."
    rows = results.timeseries
    rows.loc[(rows["arm"] == "b") & (rows["tissue"] == "liver"), "burden"] += 0.5
    (line,) = answer(results)[1]
    assert line == "b in liver: 1.50 %, 0.50 points more than in a (no interval from 2 pairs of replicates)."


def test_digits_are_those_of_the_row() -> None:
    row = {"mean": 0.0312, "baseline_mean": 0.0345, "difference": -0.0033, "difference_low": -0.0043,
           "difference_high": -0.0023}  # fmt: skip
    assert _digits_of(row) == 4
    assert _digits_of({**row, "mean": 20.0, "baseline_mean": 20.0}) == 4
    assert _digits_of({**row, "mean": 20.0, "baseline_mean": 10.0, "difference": 10.0,
                       "difference_low": np.nan, "difference_high": np.nan}) == 1  # fmt: skip
    assert _shown(0.0004, 2, True) == "0.00"
    assert _shown(-0.0004, 2, True) == "0.00"
    assert _shown(-0.004, 3, True) == "\N{MINUS SIGN}0.004"


def test_what_the_page_has_no_room_for_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    assert "Tissue skin, replicate 0. Figures" in words_of(page)
    pictures = sys.modules["sim.report.pictures"]  # a function has the same name
    monkeypatch.setattr(pictures, "MOST_BYTES", 0)
    monkeypatch.setattr(pictures, "MOST_FRAMES", 3)
    said = spoken(read_results(folder), tmp_path)
    told = "Not shown, for size: SASP ( senodrift movie RESULTS --layer SASP )."
    assert f"Tissue skin, replicate 0; 3 of 4 days. {told}" in said


def test_parameters_have_value_default_and_source(page: str) -> None:
    row = re.search(r'<tr><th scope="row" class="path">tissues.skin.damage.baseline</th>(.*?)</tr>', page)
    assert row is not None
    assert re.findall(r"<td>(.*?)</td>", row[1]) == ["0.01 %/d", DEFAULT, "measured", "a book &amp; its &lt;b&gt;"]
    assert '<td class="assumed">assumed</td>' in page


def test_what_is_alike_is_gathered() -> None:
    rows = [Row(f"tissues.{name}.damage.baseline", "1", "assumed", "none", default="2") for name in ("a", "b")]
    rows += [Row("tissues.c.damage.baseline", "3", "assumed", "none"), Row("days", "5", "design", "")]
    assert [row.path for row in gathered(rows)] == [
        "tissues.(a, b).damage.baseline", "tissues.c.damage.baseline", "days"
    ]  # fmt: skip


def test_failed_and_interrupted_runs_are_told_loudly(tmp_path: Path) -> None:
    runs = [{"arm": arm, "replicate": r, "status": "finished"} for r in range(3) for arm in ("a", "b")]
    results = make(arms=["a", "b"], replicates=3, layers=(), runs=runs)
    results.manifest["replicates"] = 3
    runs[1] |= {"status": "failed", "stage": "step 3", "message": "it broke"}
    runs[2] |= {"status": "interrupted", "stage": "", "message": ""}
    gone = [(run["arm"], run["replicate"]) for run in runs[1:3]]
    rows = results.timeseries
    results.timeseries = rows[[key not in gone for key in zip(rows["arm"], rows["replicate"], strict=True)]]
    said = spoken(results, tmp_path)
    assert "2 runs did not finish. All numbers are of the runs that did." in said
    assert f"{gone[0][0]}, replicate {gone[0][1]}: failed (step 3: it broke)" in said
    assert f"{gone[1][0]}, replicate {gone[1][1]}: interrupted" in said
    assert re.search(r"1 of 3\b", said)


def test_where_no_run_has_finished_it_says_so(tmp_path: Path) -> None:
    results = make(layers=(), runs=[{"arm": "sham", "replicate": 0, "status": "failed", "stage": "day 1"}])
    results.timeseries = results.timeseries.iloc[:0]
    said = spoken(results, tmp_path)
    assert "No run has finished: there is nothing to tell." in said
    assert "sham, replicate 0: failed (day 1)" in said
    assert "The stored scenario cannot be read again" in said


@pytest.mark.parametrize(
    "world",
    [
        {"arms": ["control"], "replicates": 1, "days": (7.5,), "layers": ()},
        {"arms": ["a", "b"], "cloud": "packing", "layers": ("state",)},
    ],
    ids=["one arm, one replicate, one day, no maps", "cloud"],
)
def test_it_works_for_less(world: dict[str, Any], tmp_path: Path) -> None:
    said = spoken(make(**world), tmp_path)
    assert "No arm is given a drug." in said
    assert ("The tissue from day to day" in said) == bool(world.get("layers", ("state",)))


def test_well_mixed_individuals_who_die(tmp_path: Path) -> None:
    tree = {
        "mode": "well_mixed", "days": 1200, "dt": 1, "replicates": 12, "age_at_start": 0,
        "record": {"every": 28}, "tissues": {"body": {"preset": "karin_mouse_survival"}},
        "body": {"fluctuation": 0.16, "death": {"burden": 17}}, "arms": {"a": {}, "b": {"tissues": {"body": {
            "damage": {"per_year": 0.1}}}}},
    }  # fmt: skip
    said = spoken(sim.run(from_dict(tree)), tmp_path)
    assert "Lifespan, when last recorded:" in said
    assert "well-mixed individuals, without cells (its equations stand in docs/MODEL.md). The" in said
    assert "Philox 4x32-10: seed, replicate, body or tissue, step, purpose" in said
    assert "engine" not in said.partition("Made with, and")[2]
    assert "The tissue from day to day" not in said


# --------------------------------------------------------------------------------------------------- doses in a figure


def test_the_dose_table_and_its_figure() -> None:
    results = make(arms=["none", "drug"], replicates=2, layers=())
    rows = [["drug", r, float(day), "course", "pill", 5.0, "mg/kg", "oral", "given"] for r in (0, 1) for day in (1, 4)]
    rows += [["drug", 0, 7.0, "course", "pill", 5.0, "mg/kg", "oral", "given"]]
    rows += [["drug", 1, 7.0, "course", "pill", 5.0, "mg/kg", "oral", "toxic"]]
    rows += [["drug", r, 9.0, "course", "pill", 5.0, "mg/kg", "oral", "stopped"] for r in (0, 1)]
    results.doses = pd.DataFrame(rows, columns=DOSE_COLUMNS)
    (row,) = dose_table(results).to_dict("records")
    assert (row["planned"], row["fewest"], row["most"], row["first"], row["last"]) == (4, 2, 3, 1.0, 7.0)
    assert row["skipped"] == "toxic 0.5, stopped 1"
    figure = results.plot.regimens()
    assert_tidy(figure)
    (axes,) = figure.axes
    middles = [path.vertices[:4, 0].mean() for each in axes.collections for path in each.get_paths()]
    assert middles == pytest.approx([1.0, 4.0, 7.0])
    assert axes.lines[0].get_xdata().tolist() == [9.0]
    assert "pill 5 mg/kg, oral" in words(figure)
    with pytest.raises(ResultsError, match="regimens: results: must hold a dose, got none"):
        make(layers=()).plot.regimens()


# --------------------------------------------------------------------------------------------------------- in the shell


def test_the_commands(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mine.html"
    assert call("report", str(folder), "--out", str(out)) == 0
    assert out.exists()
    assert call("movie", str(folder), "--layer", "SASP", "--arms", "treated", "--out", str(tmp_path / "m.gif")) == 0
    said = capsys.readouterr()
    assert said.out.split() == [str(out), str(tmp_path / "m.gif")]
    assert said.err == 'note: 4 frames, the days with maps; run with --set record.maps_every="0.5 d" for more\n'
    for arguments, message in [
        (["report", str(folder), "--out", "x.pdf"], "error: x.pdf: report: must end in .html, got .pdf\n"),
        (["report", "nowhere"], "error: nowhere: results: must be a results folder, got no such folder\n"),
        (["movie", str(folder), "--out", "x.avi"], "error: x.avi: movie: must end in .gif or .mp4, got .avi\n"),
        (["movie", str(folder), "--layer", "SAPS"],
         "error: maps: layers: must be one of state, SASP, got SAPS (did you mean SASP?)\n"),
    ]:  # fmt: skip
        assert call(*arguments) == 2
        assert capsys.readouterr().err == message


def test_files_that_cannot_be(tmp_path: Path) -> None:
    results = make(layers=())
    with pytest.raises(ResultsError, match="report: file: must be given for results without a folder"):
        sim.write_report(results)
    with pytest.raises(ResourceError, match="must be a file that can be written"):
        sim.write_report(make(arms=["a"], layers=()), tmp_path / "nowhere" / "x.html")


# -------------------------------------------------------------------------------------------------------- in a browser


@in_a_browser
def test_a_browser_without_a_network_plays_and_prints(folder: Path, tmp_path: Path) -> None:
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_context(offline=True, viewport={"width": 1000, "height": 800}).new_page()
        troubles: list[str] = []
        tab.on("console", lambda message: troubles.append(message.text))
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("requestfailed", lambda request: troubles.append(request.url))
        tab.goto((folder / "report.html").as_uri())
        shown = "[...document.querySelectorAll('.player img')].filter(i => i.checkVisibility()).map(i => i.dataset.day)"
        assert tab.evaluate(shown) == ["0"]
        tab.focus("#day")
        tab.keyboard.press("ArrowRight")
        assert tab.evaluate(shown) == ["2"]
        assert tab.get_attribute("#day", "aria-valuetext") == "day 2"
        tab.select_option("#layer", "1")
        assert tab.evaluate("document.querySelector('img.now').closest('.frames').dataset.layer") == "SASP"
        tab.focus("#play")
        tab.keyboard.press("Enter")
        tab.locator("#now", has_text="6").wait_for()
        tab.locator("#play", has_text="Play").wait_for()
        assert tab.evaluate("document.documentElement.scrollWidth <= 1000")
        printed = tab.pdf(prefer_css_page_size=True)
        tab.emulate_media(media="print")
        stills = tab.evaluate(shown)
        browser.close()
    assert troubles == []
    assert stills == ["0", "4", "6"] * 2
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 2


def test_the_command_is_kept_as_it_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    for called in ("bin/senodrift", "somewhere/sim/__main__.py"):
        monkeypatch.setattr("sys.argv", [called, "run", "x.yaml", "--set", "tissues.skin.shape=[8, 8]"])
        assert command() == "senodrift run x.yaml --set 'tissues.skin.shape=[8, 8]'"
    for called in ("tools/pytest/__main__.py", "mine.py"):
        monkeypatch.setattr("sys.argv", [called, "-f", "kernel.json"])
        assert command() == ""
