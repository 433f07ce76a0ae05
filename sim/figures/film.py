"""Frames to files: pictures of one palette, a GIF, an MP4, or something that a notebook shows."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from functools import cached_property
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.spatial import cKDTree

from sim.analysis.stored_maps import evenly
from sim.errors import ResourceError, ResultsError
from sim.extras import extra

Frame = npt.NDArray[np.uint8]

FPS = 5.0  # days that can still be read one by one
FASTEST = 50.0  # frames per second that a GIF can hold
MOVIES = (".gif", ".mp4")
PALETTE = 256
OPAQUE = 0x00FFFFFF  # the three bytes of a pixel that are a colour, on a little-endian machine
# One thread and no time stamps: the same frames are the same bytes. Colours are those of a screen.
H264 = (
    "-c:v libx264 -preset medium -crf 16 -pix_fmt yuv420p -vf scale=out_color_matrix=bt709:out_range=tv "
    "-colorspace bt709 -color_primaries bt709 -color_trc iec61966-2-1 -color_range tv -threads 1 -an "
    "-map_metadata -1 -fflags +bitexact -flags:v +bitexact -movflags +faststart"
)


class Painter(Protocol):
    """What makes frames: `sim.figures.movie.Scene`."""

    days: list[float]

    @property
    def name(self) -> str:
        """What is shown."""

    @property
    def colours(self) -> Frame:
        """(n, 4) colours that must not be lost."""

    def paint(self, day: float) -> Frame:
        """(height, width, 4), both even."""

    def mark(self, day: float) -> float:
        """Where the clock stands on a day [pixels from the left]."""


class Movie:
    """A movie of stored maps: ``results.plot.movie("SASP").save("sasp.mp4")``.

    Attributes
    ----------
    days : list of float
        Day of each frame.
    name : str
        What is shown.
    """

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self.days, self.name = painter.days, painter.name

    @cached_property
    def frames(self) -> list[Image.Image]:
        """A picture per day, all of the same palette, so that no colour flickers."""
        paint, days = self._painter.paint, self.days
        some = [paint(day) for day in dict.fromkeys((days[0], days[len(days) // 2], days[-1]))]
        inks = Inks(palette_of(self._painter.colours, some))
        return [inks.picture(paint(day)) for day in days]

    def mark(self, day: float) -> float:
        """Where the clock stands on a day [pixels from the left]."""
        return self._painter.mark(day)

    def thinned(self, most: int) -> Movie:
        """The same with at most so many days, the first and the last among them."""
        chosen = Movie(self._painter)
        chosen.days = evenly(self.days, most)
        return chosen

    def save(self, file: str | Path, fps: float = FPS) -> Path:
        """Write the movie, by the suffix of `file`: a GIF, or an MP4 (H.264, which browsers play).

        Raises
        ------
        ResultsError
            If the suffix is another one, or `fps` is not above 0 and at most 50 frames per second.
        ResourceError
            If the file cannot be written, or an MP4 is asked for without `imageio-ffmpeg`.
        """
        file = Path(file)
        check_movie(file, fps)
        partial = file.with_name(f"{file.stem}.partial{file.suffix}")
        try:
            self._gif(partial, fps) if file.suffix == ".gif" else self._mp4(partial, fps)
            return partial.replace(file)
        except OSError as error:
            raise ResourceError(f"{file}: movie: must be a file that can be written, got {error.strerror}") from error
        finally:
            partial.unlink(missing_ok=True)

    def _gif(self, file: Path | BytesIO, fps: float = FPS) -> None:
        first, *others = self.frames
        ends = [10 * round(100 * i / fps) for i in range(len(self.days) + 1)]  # a GIF counts in hundredths of a second
        durations = np.diff(ends).tolist()
        first.save(file, "GIF", save_all=True, append_images=others, duration=durations, loop=0, optimize=False)

    def _mp4(self, file: Path, fps: float) -> None:
        ffmpeg = extra("imageio_ffmpeg", "movie: mp4").get_ffmpeg_exe()
        width, height = self.frames[0].size
        raw = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {fps:g} -i -"
        command = [ffmpeg, "-y", "-v", "error", *raw.split(), *H264.split(), str(file)]
        pixels = b"".join(frame.convert("RGB").tobytes() for frame in self.frames)
        done = subprocess.run(command, input=pixels, capture_output=True, check=False)
        if done.returncode != 0:
            said = (done.stderr.decode(errors="replace").splitlines() or ["nothing"])[-1]
            raise ResourceError(f"{file}: movie: ffmpeg must be able to write it, got {said}")

    def stills(self) -> list[bytes]:
        """Every frame as the bytes of a PNG."""
        return [png_bytes(frame) for frame in self.frames]

    def _repr_html_(self) -> str:
        buffer = BytesIO()
        self._gif(buffer)
        return f'<img alt="{escape(self.name)}" src="data:image/gif;base64,{b64encode(buffer.getvalue()).decode()}">'

    def __repr__(self) -> str:
        return f"movie of {self.name.rstrip('.')}: {len(self.days)} frames"


class Inks:
    """A palette, and which of its colours each other colour is nearest to."""

    def __init__(self, palette: Frame) -> None:
        self.palette = palette
        self._tree = cKDTree(palette.astype(np.float64))
        self._index = np.zeros(1 << 24, np.uint8)  # by colour; filled as colours are met
        self._met = np.zeros(1 << 24, bool)

    def picture(self, frame: Frame) -> Image.Image:
        """A frame in the colours of the palette."""
        codes = packed(frame)
        new = np.unique(codes[~self._met[codes]])
        self._index[new], self._met[new] = self._tree.query(unpacked(new))[1], True
        image = Image.fromarray(self._index[codes])
        image.putpalette(self.palette.tobytes())
        return image


def palette_of(needed: Frame, frames: list[Frame]) -> Frame:
    """(n, 3): at most 256 colours, those that are `needed`, then those that most pixels of the frames have."""
    codes, counts = np.unique(np.concatenate([packed(frame).ravel() for frame in frames]), return_counts=True)
    frequent = codes[np.argsort(-counts, kind="stable")]
    chosen = list(dict.fromkeys([*packed(needed).tolist(), *frequent.tolist()]))[:PALETTE]
    return unpacked(np.array(chosen, np.uint32))


def packed(colours: Frame) -> npt.NDArray[np.uint32]:
    """Colours (..., 4) as one number each, without their opacity."""
    codes: npt.NDArray[np.uint32] = np.ascontiguousarray(colours).view("<u4")[..., 0]
    return codes & np.uint32(OPAQUE)


def unpacked(codes: npt.NDArray[np.uint32]) -> Frame:
    """(n, 3) colours of n numbers."""
    return np.ascontiguousarray(codes, "<u4").view(np.uint8).reshape(-1, 4)[:, :3]


def png_bytes(image: Image.Image) -> bytes:
    """A picture as the bytes of a PNG."""
    buffer = BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def check_movie(file: Path, fps: float) -> None:
    """ResultsError where a movie is asked for that we do not write."""
    if file.suffix not in MOVIES:
        raise ResultsError(f"{file}: movie: must end in {' or '.join(MOVIES)}, got {file.suffix or 'no suffix'}")
    if not 0.0 < fps <= FASTEST:
        raise ResultsError(f"{file}: fps: must be more than 0 and at most {FASTEST:g}, got {fps:g}")
