"""A picture of skin: its melanin as an eye would see it from above, or as a section shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure

from sim.analysis.paired import chosen_tissue
from sim.errors import ResultsError
from sim.figures.layers import Scale
from sim.figures.maps import Atlas, Layers, kept_maps
from sim.figures.sites import View, view
from sim.figures.style import our_look
from sim.results import Results
from sim.rules.pigment import typology_angle
from sim.scenario.pigment import Lightness

Floats = npt.NDArray[np.float64]
REDNESS, YELLOWNESS = 11.0, 16.0  # a* and b* of skin in CIELAB, of the picture only
WHITE = np.array([0.9505, 1.0, 1.089])  # of daylight (D65)
TO_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
SHADES = 256
MOST = 0.995  # quantile of the melanin at which the colours end: single cells may have more
LAYER = "melanin"
DERMIS = "#F3CFC8"  # cells of a section that have nothing to do with melanin


@our_look()
def skin(results: Results, replicate: int = 0, tissue: str | None = None) -> Figure:
    """Melanin of one replicate as a picture of skin: arms as rows, days as columns.

    From above, the melanin of all cells above one another counts, and its lightness is that of the tables: the
    individual typology angle fixes L* where b* is known, tan(ITA) = (L* - 50) / b*, and a* and b* are those of skin. A
    plane with an axis of depth, and a block that is deeper than wide (its mean), are shown as sections, the surface on
    top: cells are darker with more melanin, and pale red where they have nothing to do with it.

    Parameters
    ----------
    results : Results
        Tables of an experiment, with maps of `melanin`.
    replicate : int
        Whose maps.
    tissue : str, optional
        The first one if not given.

    Raises
    ------
    ResultsError
        If no maps of melanin were kept for this replicate.
    """
    tissue = chosen_tissue(results, tissue, "skin")
    kept = {arm: maps for arm, maps in kept_maps(results, replicate, tissue).items() if LAYER in maps}
    if not kept:
        raise ResultsError("skin: results: must have maps of melanin (record.maps), got none")
    about, first = (results.scenario.get("tissues") or {}).get(tissue) or {}, next(iter(kept.values()))
    section = is_section(first[LAYER], about.get("depth_axis"))
    seen = {arm: _cut(maps, about) if section else _from_above(maps, about) for arm, maps in kept.items()}
    size = next(iter(seen.values()))[LAYER].shape[1:]
    spacing = float(first["spacing"])
    flat = len(size) == 2  # the cells of a cloud are discs
    picture = View(size[1] * spacing, size[0] * spacing, max(size)) if flat else view(results, tissue, replicate, first)
    where = f", {tissue}" if len(results.tissues) > 1 else ""
    caption = (
        f"{results.manifest['scenario']}{where}: melanin of replicate {replicate}, "
        f"{'a section, surface on top' if section else 'seen from above'}. "
        + (
            "Colours go up to the most melanin of this figure."
            if section
            else f"Colours are those of a lightness that is assumed (ITA), with a* {REDNESS:g} and b* {YELLOWNESS:g}."
        )
    )
    light = Lightness.model_validate((about.get("pigment") or {}).get("lightness") or {})
    return Atlas(results, seen, [LAYER], [_scale(seen, light, section)], picture).drawn(caption)


def has_skin(results: Results, replicate: int, tissue: str) -> bool:
    """Whether there is anything to draw."""
    return any(LAYER in maps for maps in kept_maps(results, replicate, tissue).values())


def is_section(stored: npt.NDArray, axis: str | None) -> bool:
    """Whether a layer (days, *shape) is shown as a section: a plane along depth, or a block deeper than wide."""
    return (stored.ndim == 3 and axis == "y") or (
        stored.ndim == 4 and axis == "z" and stored.shape[1] > stored.shape[2]
    )


def _from_above(maps: Layers, about: Mapping[str, Any]) -> Layers:
    """Melanin of a block summed along its depth, or along z."""
    stored = maps[LAYER]
    axis = "_zyx".index(about.get("depth_axis") or "z")
    return {"days": maps["days"], LAYER: stored.sum(axis=axis) if stored.ndim == 4 else stored}


def _cut(maps: Layers, about: Mapping[str, Any]) -> Layers:
    """Melanin along depth, the surface on top (the last row); masked where cells neither make nor take it."""
    melanin, types = maps[LAYER], maps.get("type")
    if melanin.ndim == 4:
        melanin, types = melanin.mean(axis=2), None if types is None else types[:, :, types.shape[2] // 2]
    if types is not None:
        pigment = about.get("pigment") or {}
        makers, takers = (pigment.get(key) or [key[:-1]] for key in ("melanocytes", "keratinocytes"))
        others = [i for i, kind in enumerate(about.get("cell_types") or {}) if kind not in (*makers, *takers)]
        melanin = np.ma.masked_array(melanin, np.isin(types, others))
    return {"days": maps["days"], LAYER: melanin[:, ::-1]}


def _scale(kept: Mapping[str, Layers], light: Lightness, section: bool) -> Scale:
    """Colours from no melanin to the most; in a section, the darkest cells are nearly as dark as skin gets."""
    values = np.concatenate([np.ma.getdata(maps[LAYER]).ravel() for maps in kept.values()])
    most = float(np.quantile(values, MOST)) or 1.0
    numbers = (light.lightest, light.darkest, most / 2.0 if section else light.scale)
    angles = [typology_angle(m, *numbers) for m in np.linspace(0.0, most, SHADES).tolist()]
    name = "melanin of a cell" if section else "melanin"
    colours = shades(np.array(angles)).with_extremes(bad=DERMIS)
    return Scale(f"{name}\n1 = a column of resting skin", colours, Normalize(0.0, most))


def shades(angles: Floats) -> Colormap:
    """Colours of skin with these typology angles [degrees]."""
    lightness = np.clip(50.0 + YELLOWNESS * np.tan(np.radians(angles)), 8.0, 92.0)
    return ListedColormap(srgb(lightness, REDNESS, YELLOWNESS), name="skin")


def srgb(lightness: Floats, a: float, b: float) -> Floats:
    """CIELAB to sRGB, (n, 3) from 0 to 1; what a screen cannot show is cut off.

    Source: CIE 15 (colorimetry) and IEC 61966-2-1 (sRGB).
    """
    y = (lightness + 16.0) / 116.0
    parts = np.stack([y + a / 500.0, y, y - b / 200.0], axis=-1)
    small = 6.0 / 29.0
    linear = np.where(parts > small, parts**3, 3.0 * small**2 * (parts - 4.0 / 29.0)) * WHITE @ TO_SRGB.T
    linear = np.clip(linear, 0.0, 1.0)
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1.0 / 2.4) - 0.055))
