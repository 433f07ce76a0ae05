"""The picture of the README, from the scenario of `make run`, and those of docs: ``python docs/make_images.py``."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

import sim
from sim.scenario.load import select_arms

HERE = Path(__file__).parent


def pixels(figure: Figure) -> np.ndarray:
    """A figure as an RGB array."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return imread(io.BytesIO(buffer.getvalue()))[..., :3]


def beside(*pictures: np.ndarray) -> np.ndarray:
    """Pictures side by side, padded with white to the same height."""
    height = max(picture.shape[0] for picture in pictures)
    spare = [height - picture.shape[0] for picture in pictures]
    pad = [((each // 2, each - each // 2), (0, 0), (0, 0)) for each in spare]
    return np.hstack([np.pad(p, by, constant_values=1.0) for p, by in zip(pictures, pad, strict=True)])


def dark_spot() -> None:
    """Write docs/images/dark_spot.png: skin with a sun spot under some of the arms."""
    arms = ["vehicle", "sucrose_dilaurate", "niacinamide", "glabridin", "glabridin_stopped", "senolytic", "combination"]
    scenario = sim.load(HERE.parent / "configs" / "dark_spot.yaml", {"replicates": 1})
    figure = sim.run(select_arms(scenario, arms)).plot.skin()
    figure.savefig(HERE / "images" / "dark_spot.png", dpi=100, metadata={"Software": None})


def main() -> None:
    """Write docs/images/dark_spot.png, skin_graft.png, body_map.png, outcomes.png and apple_store.png."""
    dark_spot()
    results = sim.run(sim.load(HERE.parent / "configs" / "skin_graft.yaml"), workers=2)
    (HERE / "images").mkdir(exist_ok=True)
    outcomes = results.plot.forest(outcomes=list(results.manifest["outcomes"]))
    for name, figure in {"body_map": results.plot.body_map(), "outcomes": outcomes}.items():
        figure.savefig(HERE / "images" / f"{name}.png", dpi=100, metadata={"Software": None})
    store = sim.run(sim.load(HERE.parent / "configs" / "apple_store.yaml"), workers=2)
    store.plot.burden().savefig(HERE / "images" / "apple_store.png", dpi=100, metadata={"Software": None})
    two = select_arms(sim.load(HERE.parent / "configs" / "skin_graft.yaml"), ["sham", "graft"])
    results = sim.run(two, workers=2)
    picture = beside(pixels(results.plot.maps(tissue="skin", layers=["state"])), pixels(results.plot.burden("skin")))
    figure = Figure(figsize=(picture.shape[1] / 150, picture.shape[0] / 150))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(picture)
    axes.set_axis_off()
    figure.savefig(HERE / "images" / "skin_graft.png", dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
