"""Libraries that only some doors need: imported on use, and one line that says how to install what is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sim.errors import ResourceError

EXTRAS = {  # library to the extra of pyproject.toml that brings it
    "anndata": "anndata",
    "distributed": "dask",
    "imageio_ffmpeg": "movies",
    "ipywidgets": "notebooks",
    "mesa.visualization": "app",
    "solara": "app",
    "solara_assets": "app",
    "tifffile": "formats",
    "xarray": "formats",
    "zarr": "formats",
}


def extra(library: str, wanted_by: str) -> Any:
    """The module `library`; `wanted_by` names what cannot be done without it, as ``command: key``.

    Raises
    ------
    ResourceError
        If it is not installed; says which extra brings it.
    """
    try:
        return import_module(library)
    except ImportError as error:
        name = library.split(".")[0]
        raise ResourceError(
            f"{wanted_by}: needs {name}, which is not there: pip install 'senodrift[{EXTRAS[library]}]' brings it"
        ) from error
