"""The page: Solara components that show a `Frame` and hand on what the reader does. It computes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import solara

from sim.app import serve
from sim.app.actions import CLICKS
from sim.app.lens import Palette
from sim.app.session import SPEEDS, Choice, Frame, Session

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
EVERYBODY = "all arms"
ACTS = {"look": "look only", "graft": "graft senescent cells", "wound": "wound", "removal": "remove senescent cells"}


@solara.component_vue("maps.vue")
def Maps(  # noqa: N802
    maps: list[dict[str, Any]],
    place: dict[str, Any],
    click: str,
    radius: float,
    only: str,
    event_hit: Callable[[dict[str, Any]], None],
    event_hover: Callable[[dict[str, Any] | None], None],
) -> None:
    """Maps of all arms, with what the pointer does on them."""


@solara.component_vue("panel.vue")
def Panel(  # noqa: N802
    groups: str, stamp: int, event_turn: Callable[[dict[str, str]], None]
) -> None:
    """Parameters in groups, as JSON: one text is faster to compare than a tree of a hundred numbers."""


@solara.component_vue("field.vue")
def Field(  # noqa: N802
    label: str, value: str, kind: str, event_typed: Callable[[str], None]
) -> None:
    """A text that comes with the event which says that it is complete, so before the click that ended it."""


@solara.component
def Page() -> None:  # noqa: N802
    """A session of its own for everybody who opens the page."""
    frame: Any = solara.use_reactive(None)
    session = solara.use_memo(lambda: Session(serve.scenario(), serve.arms(), frame.set), [])

    def open_() -> Callable[[], None]:
        session.player.do(lambda: None)  # the first picture
        return session.player.close

    solara.use_effect(open_, [])
    solara.Title(f"{session.live.original.name} - Senodrift")
    solara.Style(STYLE)
    with solara.Div(classes=["sd-page"]):
        _head(session)
        if frame.value is None:
            solara.Text("The tissue is being prepared ...")
            return
        _body(session, frame.value)


def _body(session: Session, frame: Frame) -> None:
    with solara.Div(classes=["sd-body"]):
        with solara.Div(classes=["sd-main"]):
            Clock(session, frame.clock)
            if frame.complaint:
                solara.HTML(tag="div", classes=["sd-wrong"], unsafe_innerHTML=escape(frame.complaint))
            Choices(session, frame.choice, tuple(shown["arm"] for shown in frame.maps))
            Tissue(session, frame)
            with solara.Div(classes=["sd-charts"]):
                for svg in frame.charts:
                    solara.HTML(tag="div", unsafe_innerHTML=svg)
        with solara.Div(classes=["sd-side"]):
            Side(session, frame.knobs, frame.stamp, frame.changes, frame.notes)


def _head(session: Session) -> None:
    common, name = session.live.original.common, session.live.original.name
    flag = '<span class="sd-flag">qualitative: directions only</span>' if common.qualitative else ""
    top = f"<b>Senodrift</b> &nbsp;{escape(name)}{flag}"
    solara.HTML(tag="div", classes=["sd-top"], unsafe_innerHTML=top)
    solara.HTML(tag="h1", unsafe_innerHTML=escape(common.question or name))


@solara.component
def Clock(session: Session, clock: dict[str, Any]) -> None:  # noqa: N802
    """Play, step, reset, speed, and how far the runs have come."""
    player, moving = session.player, clock["playing"] or clock["behind"]
    with solara.Div(classes=["sd-row"]):
        solara.Button(
            "Pause" if moving else "Play", icon_name="mdi-pause" if moving else "mdi-play", color="primary",
            on_click=player.pause if moving else player.play, disabled=clock["finished"], classes=["sd-play"],
        )  # fmt: skip
        solara.Button("Step", icon_name="mdi-skip-next", on_click=player.step, outlined=True,
                      disabled=clock["finished"] or moving, classes=["sd-step"])  # fmt: skip
        solara.Button("Day 0", icon_name="mdi-restart", on_click=session.restart, outlined=True, classes=["sd-reset"])
        solara.Select("speed (steps)", values=list(SPEEDS), value=clock["steps"], dense=True, classes=["sd-short"],
                      on_value=lambda steps: player.do(lambda: setattr(player, "steps", steps)))  # fmt: skip
        words = f'day <b class="sd-day">{clock["day"]:g}</b> of {clock["days"]:.4g}'
        if clock["behind"]:
            words += f", on the way to day {clock['goal']:g}"
        elif clock["finished"]:
            words += ", the end"
        solara.HTML(tag="div", classes=["sd-clock"], unsafe_innerHTML=words)
    end = clock["goal"] if clock["behind"] else clock["days"]
    kind = ' class="sd-behind"' if clock["behind"] else ""
    width = 100.0 * min(1.0, clock["day"] / end) if end else 0.0
    solara.HTML(tag="div", classes=["sd-line"], unsafe_innerHTML=f'<i{kind} style="width:{width:.1f}%"></i>')


@solara.component
def Choices(session: Session, choice: Choice, arms: tuple[str, ...]) -> None:  # noqa: N802
    """What is shown, and what a click does; drawn again only when that is another."""
    with solara.Div(classes=["sd-row"]):
        solara.SelectMultiple("arms", values=list(arms), all_values=list(session.live.scenario.arms), dense=True,
                              on_value=session.show_arms, classes=["sd-wide"])  # fmt: skip
        if len(session.tissues) > 1:
            solara.Select("tissue", values=session.tissues, value=choice.tissue, dense=True,
                          on_value=lambda name: session.choose(tissue=name), classes=["sd-tissues"])  # fmt: skip
        solara.Select("layer", values=session.layers, value=choice.layer, dense=True, classes=["sd-layers"],
                      on_value=lambda name: session.choose(layer=name))  # fmt: skip
        of_label = {session.label(key): key for key in session.curves}
        solara.Select("second curve", values=list(of_label), value=session.label(choice.curve), dense=True,
                      on_value=lambda label: session.choose(curve=of_label[label]), classes=["sd-wide"])  # fmt: skip
    with solara.Div(classes=["sd-row"]):
        everybody, acts = [EVERYBODY, *arms], [ACTS[kind] for kind in CLICKS]
        solara.Select("in", values=everybody, value=choice.arm or EVERYBODY, dense=True, classes=["sd-in"],
                      on_value=lambda arm: session.choose(arm="" if arm == EVERYBODY else arm))  # fmt: skip
        solara.Select("a click will", values=acts, value=ACTS[choice.click], dense=True, classes=["sd-clicks"],
                      on_value=lambda act: session.choose(click=CLICKS[acts.index(act)]))  # fmt: skip
        Field(
            label="radius (µm)",
            value=choice.radius,
            kind="sd-radius",
            event_typed=lambda radius: session.choose(radius=radius),
        )
        solara.Select("drug", values=list(session.drugs), value=choice.drug, dense=True, classes=["sd-drugs"],
                      on_value=lambda drug: session.choose(drug=drug))  # fmt: skip
        Field(
            label=f"dose ({session.drugs[choice.drug]['unit']})",
            value=choice.amount,
            kind="sd-dose",
            event_typed=lambda amount: session.choose(amount=amount),
        )
        solara.Button("Treat now", icon_name="mdi-pill", outlined=True, classes=["sd-treat"], on_click=session.treat)


@solara.component
def Tissue(session: Session, frame: Frame) -> None:  # noqa: N802
    """The maps, their key, and what is under the pointer."""
    point = solara.use_reactive(None)

    def hover(at: dict[str, Any] | None) -> None:
        point.set(at and (at["arm"], at["row"], at["column"]))

    Maps(
        maps=frame.maps,
        place=frame.place,
        click=frame.choice.click,
        radius=frame.choice.ring,
        only=frame.choice.arm,
        event_hover=hover,
        event_hit=lambda at: session.click(at["arm"], at["row"], at["column"]),
    )
    found = session.read_out(*point.value) if point.value else []
    words = "".join(f"<b>{escape(name)}</b>{escape(value)}" for name, value in found)
    where = f"{frame.place['words']}. " if frame.place["words"] else ""
    empty = f"{escape(where)}Point at a cell to read what stands there."
    solara.HTML(tag="div", classes=["sd-key"], unsafe_innerHTML=_key(frame.key))
    solara.HTML(tag="div", classes=["sd-pointer"], unsafe_innerHTML=words or empty)


def _key(palette: Palette) -> str:
    """Colours of the layer, as HTML."""
    if palette.entries:
        swatch = '<span><i style="background:{1}"></i>{0}</span>'
        return "".join(swatch.format(escape(name), colour) for name, colour in palette.entries)
    ends = f'0<span class="sd-colours" style="background:{palette.bar()}"></span>{palette.top:g}'
    return f"{ends} <span>{escape(palette.label)}</span>"


@solara.component
def Side(  # noqa: N802
    session: Session, knobs: dict[str, Any], stamp: int, changes: list[tuple[str, str]], notes: tuple[str, ...]
) -> None:
    """Parameters, what was changed, and saving; drawn again only when one of them is another."""
    solara.HTML(tag="h2", unsafe_innerHTML="Parameters")
    again = "A changed number starts all arms again on day 0 and runs to the day shown."
    solara.HTML(tag="div", classes=["sd-note"], unsafe_innerHTML=again)
    Panel(
        groups=json.dumps(knobs),
        stamp=stamp,
        event_turn=lambda turned: session.change(turned["path"], turned["value"]),
    )
    solara.HTML(tag="h2", unsafe_innerHTML=f"Changed or done here ({len(changes)})")
    for path, words in changes:
        with solara.Div(classes=["sd-change"]):
            solara.HTML(tag="span", unsafe_innerHTML=escape(words))
            solara.Button(icon_name="mdi-close", icon=True, x_small=True, on_click=lambda path=path: session.undo(path))
    if changes:
        solara.Button("Undo all", on_click=session.forget, text=True, small=True, classes=["sd-forget"])
    for note in notes:
        solara.HTML(tag="div", classes=["sd-note"], unsafe_innerHTML=f"note: {escape(note)}")
    solara.HTML(tag="h2", unsafe_innerHTML="Save")
    kept = "The file gives exactly the states that are shown: senodrift run FILE"
    solara.HTML(tag="div", classes=["sd-note"], unsafe_innerHTML=kept)
    solara.FileDownload(
        session.saved,
        filename=f"{session.live.original.name}_changed.yaml",
        label="Save scenario",
        mime_type="text/yaml",
    )
