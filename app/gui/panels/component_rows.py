"""The table of components: its rows from the document, and what a typed text does to the model."""

from __future__ import annotations

from dataclasses import replace

from app.gui.panels.links import SHORT, explained, parse_summary, summary
from app.gui.panels.numbers import enlarged, marked, parse_number, plain
from app.gui.panels.quantities import Measured, measured
from app.gui.panels.tables import Cell, Column, Row
from app.gui.panels.tied import TIED, Shown, explained_tie, tie_words
from app.gui.plot.edits import WORDS, Edit, label, number, set_fwhm, set_value, settled, title, with_link
from app.gui.plot.geometry import amplitude_name, peak_of
from app.gui.theme import Theme
from app.numerals import with_error
from app.project.project import Project, RegionFit
from fitting.model import Component, FitModel, Param
from fitting.shapes import SHAPES, shape
from libraries.errors import BadModel

NAME, POSITION, FWHM, AREA, SHARE, SHAPE, LINK = range(7)
COLUMNS = (
    Column("Component", "What the peak stands for"),
    Column("BE / eV", "Position; with its standard error once fitted", True),
    Column("FWHM / eV", "Full width at half maximum", True),
    Column("Area", "Integral of the component; of a line with infinite area, inside the region", True),
    Column("%", "Part of the area of all components of this region, without sensitivity factors", True),
    Column("Shape", "Line shape"),
    Column("Link", "What the parameters follow: “FWHM = name; BE = name + 3.1”"),
)
SHORT_SHAPES = {
    "gl_product": "GL product",
    "gl_sum": "GL sum",
    "voigt": "Voigt",
    "doniach_sunjic": "Doniach-Šunjić",
    "plasmon_train": "Plasmon losses",
    "la": "LA (approx.)",
    "lf": "LF (approx.)",
    "gl_t": "GL product, tail",
    "sgl_t": "GL sum, tail",
    "gelius": "Gelius",
    "emg": "Exp. Gaussian",
    "measured": "Measured line",
    "fermi_edge": "Fermi edge",
    "step_erf": "Gaussian step",
    "step_arctan": "Arctangent step",
    "drude": "Plasmon (Drude)",
    "edge_step": "Edge",
}


def shape_words(key: str) -> str:
    """Short name of a shape."""
    return SHORT_SHAPES.get(key, SHAPES[key].title if key in SHAPES else key)


def component_rows(
    fit: RegionFit, theme: Theme, *, project: Project | None = None, entry: str | None = None
) -> list[Row]:
    """One row a component; with the project and the entry, ties to other regions are shown with the links."""
    numbers = measured(fit)
    shown = Shown(project, entry, fit.id) if project is not None and entry is not None else None
    quantity = project.entry(entry).spectrum.axis.quantity if shown is not None else ""
    choices = tuple(shape_words(key) for key, known in SHAPES.items() if known.stands_on(quantity))
    ties = shown.ties if shown is not None else {}
    return [
        _row(
            fit, component, numbers[component.id], theme.series[i % len(theme.series)],
            shown if any(name.startswith(f"{component.id}.") for name in ties) else None, choices,
        )
        for i, component in enumerate(fit.model.components)
    ]


def _ties(shown: Shown | None, component: Component) -> tuple[str, str]:
    """The ties of a component for its cell, and explained."""
    if shown is None:
        return "", ""
    names = [name for name in shown.ties if name.startswith(f"{component.id}.")]
    words = ((n, SHORT.get(own := n.partition(".")[2], WORDS.get(own, own))) for n in names)
    text = "; ".join(f"{word} {TIED}{tie_words(shown, name)}" for name, word in words)
    return text, "\n".join(explained_tie(shown, name) for name in names)


def _row(
    fit: RegionFit, component: Component, found: Measured, colour: str, tied: Shown | None, choices: tuple[str, ...]
) -> Row:
    position = component.param("position")
    stuck = fit.result.at_bound if fit.result is not None else ()
    source = "\n".join(filter(None, (component.line, component.compound, component.source)))
    share = 100 * found.share
    share_error = None if found.share_error is None else 100 * found.share_error
    link = summary(fit.model, component.id)
    ties, told_ties = _ties(tied, component)

    def shown(value: float, error: float | None, decimals: int) -> str:
        return marked(with_error(value, error, decimals), error, found.factor)

    def told(tip: str, error: float | None) -> str:
        return "\n".join(filter(None, (tip, enlarged(error, found.factor))))

    return Row(
        component.id,
        (
            Cell(title(component), title(component), source or "No source", swatch=colour),
            Cell(
                shown(found.position, found.position_error, 2),
                plain(found.position, 4),
                told(_tip(fit.model, component, "position", stuck), found.position_error),
                muted=not position.vary,
            ),
            Cell(
                shown(found.fwhm, found.fwhm_error, 2),
                plain(found.fwhm, 4),
                told(_width_tip(fit.model, component, stuck), found.fwhm_error),
            ),
            Cell(
                shown(found.area, found.area_error, 0 if found.area >= 100 else 3),
                plain(found.area, 4),
                told(_tip(fit.model, component, amplitude_name(component), stuck), found.area_error),
            ),
            Cell(f"{share:.1f}", tooltip=told(f"{with_error(share, share_error, 1)} % of the region", share_error)),
            Cell(
                shape_words(component.shape), shape_words(component.shape), _shape_tip(fit.model, component),
                choices=choices,
            ),
            Cell(
                "; ".join(filter(None, (ties, link))),
                link,
                "\n".join(filter(None, (
                    told_ties, *(explained(fit.model, f"{component.id}.{n}") for n, _ in component.params)
                ))),
                muted=True,
            ),
        ),
    )


def _tip(model: FitModel, component: Component, parameter: str, stuck: tuple[str, ...]) -> str:
    name = f"{component.id}.{parameter}"
    param = component.param(parameter)
    lines = [explained(model, name)]
    bounds = f"{plain(param.minimum) or '−∞'} to {plain(param.maximum) or '∞'}"
    lines.append("" if param.link else f"between {bounds}")
    if name in stuck:
        lines.append("ended on its bound: no error is defined there")
    return "\n".join(line for line in lines if line)


def _width_tip(model: FitModel, component: Component, stuck: tuple[str, ...]) -> str:
    if any(n == "fwhm" for n, _ in component.params):
        return _tip(model, component, "fwhm", stuck)
    parts = [
        f"{p.description.split(' of the ')[-1]} {component.value(p.name):.3g} eV"
        for p in shape(component.shape).parameters
        if p.kind == "width"
    ]
    return "True width at half maximum of " + " and ".join(parts)


def _shape_tip(model: FitModel, component: Component) -> str:
    kind, peak = shape(component.shape), peak_of(component)
    text = f"{kind.title}\n{kind.formula}\n{kind.reference}"
    if abs(peak.position - component.value("position")) > 1e-3:
        text += f"\nTrue maximum at {peak.position:.2f} eV, true width {peak.fwhm:.2f} eV"
    if component.broadened:
        name = model.response.name if model.response is not None else ""
        text += f"\nConvolved with {name or 'the response'}: place and width are those before"
    return text


# -- edits ------------------------------------------------------------------------------------------------------


def edited(model: FitModel, id: str, column: int, text: str) -> tuple[str, Edit]:
    """What a typed cell does: name of the undo step, and the model after it.

    Raises
    ------
    BadModel
        If the text is no such thing; the message is for the user.
    """
    component = model.component(id)
    name = title(component)
    if column == NAME:
        if not text.strip():
            raise BadModel("A component needs a name")
        return f"Rename {name}", Edit(model.with_component(replace(component, name=text.strip())))
    if column == SHAPE:
        return f"Shape of {name}", Edit(change_shape(model, id, text))
    if column == LINK:
        return f"Links of {name}", Edit(_with_links(model, id, parse_summary(model, id, text)))
    value = parse_number(text, COLUMNS[column].title.split(" ")[0])
    if column == POSITION:
        return f"BE of {name}", _typed(model, f"{id}.position", value)
    if column == FWHM:
        return f"Width of {name}", _typed_width(model, id, value)
    if column == AREA:
        amplitude = amplitude_name(component)
        area = shape(component.shape).area(component.values, model.region)
        if value < 0 or area <= 0:
            raise BadModel("An area is not below zero", where=name)
        # Areas scale with the amplitude, whatever it is called.
        return f"Area of {name}", _typed(model, f"{id}.{amplitude}", component.value(amplitude) * value / area)
    raise BadModel("This number follows from the others and cannot be typed")


def _typed(model: FitModel, name: str, value: float) -> Edit:
    """A typed value is taken as it is or not at all: bounds refuse it."""
    param = model.params[name]
    if not param.link and not param.minimum <= value <= param.maximum:
        raise BadModel(
            f"The {label(model, name)} has bounds {plain(param.minimum) or '−∞'} to {plain(param.maximum) or '∞'}",
            where=number(value),
            todo="Change the bounds below the table first",
        )
    return _whole(set_value(model, name, value, held_too=True))


def _typed_width(model: FitModel, id: str, value: float) -> Edit:
    if value <= 0:
        raise BadModel("A width is above zero", where=number(value))
    if any(n == "fwhm" for n, _ in model.component(id).params):
        return _typed(model, f"{id}.fwhm", value)
    return _whole(set_fwhm(model, id, value, held_too=True))


def _whole(edit: Edit) -> Edit:
    if edit.stopped:
        raise BadModel(edit.note)
    return edit


def _with_links(model: FitModel, id: str, links: dict[str, str]) -> FitModel:
    for name, link in links.items():
        if model.component(id).param(name).link != link:
            model = with_link(model, f"{id}.{name}", link)
    return model


def change_shape(model: FitModel, id: str, wanted: str) -> FitModel:
    """Another shape of the same place, height and width; parameters that both have keep bounds, holds and links.

    Raises
    ------
    BadModel
        If there is no such shape, or another component is linked to a parameter that would go.
    """
    component = model.component(id)
    key = next((k for k in SHAPES if wanted in (k, shape_words(k))), None)
    if key is None:
        raise BadModel("There is no such shape", where=wanted, todo=f"Choose {', '.join(map(shape_words, SHAPES))}")
    if key == component.shape:
        return model
    peak = peak_of(component)
    start = shape(key).with_curve(component.curve).start(peak.position, max(peak.height, 1e-12), peak.fwhm)
    old = dict(component.params)
    params = {}
    for parameter in shape(key).parameters:
        kept = old.get(parameter.name)
        if kept is None:
            # Exponents, indices and the like are held until they are let free.
            vary = parameter.kind != "shape"
            params[parameter.name] = Param(start[parameter.name], parameter.minimum, parameter.maximum, vary)
        elif parameter.kind in ("position", "width", "area") and not kept.link and kept.vary:
            value = min(max(start[parameter.name], kept.minimum, parameter.minimum), kept.maximum)
            params[parameter.name] = replace(kept, value=value, minimum=max(kept.minimum, parameter.minimum))
        else:
            params[parameter.name] = kept
    return settled(model.with_component(replace(component, shape=key, params=tuple(params.items()))))
