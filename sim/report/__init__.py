"""A report to hand over: one HTML file that needs neither Python nor a network, all of it from the stored tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from sim.errors import ResourceError, ResultsError
from sim.report.effects import answer, effect_tables
from sim.report.methods import common_words, methods, provenance, reproduce, unfinished
from sim.report.parameters import Parameters, read_again
from sim.report.pictures import cinema, dose_calendar, pictures
from sim.report.told_arms import arms_told, doses_told
from sim.results import Results

__all__ = ["write_report"]

HERE = Path(__file__).parent


def write_report(results: Results, file: str | Path | None = None) -> Path:
    """Write the report of a run: the question, the answer, arms and doses, figures, a movie, parameters, methods.

    The same results give the same bytes.

    Parameters
    ----------
    results : Results
        Tables of an experiment.
    file : str or Path, optional
        An ``.html`` file; ``report.html`` in the folder of the results if not given.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ResultsError
        If the file ends otherwise, or none is given for results without a folder.
    ResourceError
        If it cannot be written.
    """
    if file is None and results.folder is None:
        raise ResultsError("report: file: must be given for results without a folder, got none")
    file = Path(file) if file is not None else Path(str(results.folder)) / "report.html"
    check_page(file)
    page = _environment().get_template("page.html").render(_content(results))
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ResourceError(f"{file}: report: must be a file that can be written, got {error.strerror}") from error
    return file


def check_page(file: Path) -> None:
    """ResultsError where a report is asked for in another format."""
    if file.suffix != ".html":
        raise ResultsError(f"{file}: report: must end in .html, got {file.suffix or 'no suffix'}")


def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _content(results: Results) -> dict[str, Any]:
    """What the page says, section by section."""
    scenario, trouble = read_again(results)
    told = len(results.timeseries) > 0
    return {
        "style": Markup(_text("page.css")),
        "script": Markup(_text("page.js")),
        "name": results.manifest["scenario"],
        "question": results.manifest.get("question", ""),
        "qualitative": results.manifest.get("qualitative", False),
        "unfinished": unfinished(results),
        "answer": answer(results) if told else None,
        "effects": effect_tables(results) if told else [],
        "common": common_words(results, scenario) if scenario else "",
        "arms": arms_told(scenario) if scenario else [(arm, "") for arm in results.arms],
        "doses": doses_told(results),
        "dose_calendar": dose_calendar(results),
        "pictures": pictures(results) if told else [],
        "cinema": cinema(results),
        "parameters": Parameters(scenario) if scenario else None,
        "trouble": trouble,
        "methods": methods(results, scenario) if told else [],
        "provenance": provenance(results),
        "reproduce": reproduce(results),
    }
