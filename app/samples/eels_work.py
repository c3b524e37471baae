"""The energy-loss samples as an analyst would work through them, with what every user can reach in the window."""

from __future__ import annotations

from dataclasses import replace

from app.project import core_loss, fine_series, fine_structure, loss_process, low_loss, maps, work
from app.project.factor_analysis import find_factors
from app.project.project import Project, RegionFit
from app.project.valence_study import KnownValence
from app.samples.steps import Steps
from fitting.eels.hypothesis_maps import sodium_maps
from fitting.eels.low_loss import low_loss_model
from fitting.image.place import Place, Roi
from fitting.image.windows import preset_windows
from fitting.solver import Cancel, Progress
from libraries.errors import FitFailed

# Where an analyst would draw regions on the image: columns and rows of two corners.
ROIS = (
    Roi("sodium", "Sodium", "ellipse", ((12.0, 13.0), (24.0, 25.0))),
    Roi("salt", "Salt crust", "rectangle", ((58.5, 17.0), (60.0, 25.0))),
    Roi("carbon", "Carbon", "ellipse", ((25.0, 41.0), (37.0, 53.0))),
)
SODIUM_PIXEL = (19, 18)  # row, column
EDGES = ("C K", "O K", "F K", "Na K")
FACTORS, FACTOR_RANGE = 4, (265.0, 1160.0)
VALENCES = {"V3+": 3.0, "V4+": 4.0, "V5+": 5.0}
V_EDGE = "V L2,3"


def work_spheres(project: Project, progress: Progress | None = None, cancel: Cancel | None = None) -> Project:
    """Align, thickness, windows, plasmons in a region, sodium or carbon, composition, factors."""
    tell = Steps(progress, 7)
    tell("Align the zero loss")
    project = loss_process.align(project, "low_loss", cancel=cancel).project
    for id in ("low_loss", "core_loss"):
        project = project.with_entry(replace(project.entry(id), rois=ROIS))
    tell("t/λ of every pixel")
    project = low_loss.thickness_maps(project, "low_loss", cancel=cancel)
    tell("Maps of energy windows")
    for id in ("low_loss", "core_loss"):
        windows = preset_windows(project.entry(id).processed().axis)
        project, _ = maps.compute(project, id, maps.Request("sum", windows), cancel=cancel)
    tell("Plasmons of the sodium")
    project = _plasmons(project, cancel)
    tell("Sodium or carbon")
    entry = project.entry("low_loss")
    project = project.with_entry(entry.with_maps(sodium_maps(entry.processed(), cancel=cancel)))
    tell("Composition by edges")
    project = _composition(project, cancel)
    tell("Factors of the core loss")
    project, _ = find_factors(project, "core_loss", "mcr", FACTORS, FACTOR_RANGE, cancel=cancel)
    return project


def _plasmons(project: Project, cancel: Cancel | None) -> Project:
    """The low-loss model on a pixel of the sodium: sums have more counts than simple models describe."""
    entry, place = project.entry("low_loss"), Place(SODIUM_PIXEL)
    model = low_loss_model(entry.single(place), ("pi", "na", "na2", "na_s", "ps", "na_l"), name="Plasmons")
    project = project.with_entry(entry.with_fit(RegionFit("r1", model, place=str(place))))
    return work.fit_region(project, "low_loss", "r1", cancel=cancel, place=place)


def _composition(project: Project, cancel: Cancel | None) -> Project:
    entry = project.entry("core_loss")
    project = core_loss.with_setup(project, entry.id, core_loss.setup_for(entry.single(), EDGES))
    result = core_loss.compute(project, entry.id, Place(roi="salt"), cancel=cancel)
    project = core_loss.with_result(project, entry.id, result)
    made = core_loss.maps_of(project, entry.id, cancel=cancel)
    return project.with_entry(project.entry(entry.id).with_maps(made))


def work_vanadium(project: Project, progress: Progress | None = None, cancel: Cancel | None = None) -> Project:
    """Fit V L2,3 with O K of samples and references, calibrate by the references."""
    ids = tuple(entry.id for entry in project.entries if entry.low_loss)
    setup = replace(fine_structure.setup_of(project.entry(ids[0]), V_EDGE), reference="zero loss")
    project, problems = fine_series.fit_series(project, ids, setup, progress, cancel)
    if problems:
        raise FitFailed("; ".join(problems), where=V_EDGE)
    study = project.valence
    for entry in project.entries_of("references"):
        state = next((value for name, value in VALENCES.items() if entry.title.startswith(name)), None)
        if state is not None and entry.low_loss:
            study = study.with_reference(KnownValence(entry.id, state))
    return fine_structure.calibrate(replace(project, valence=study), V_EDGE)
