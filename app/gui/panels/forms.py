"""The table of processing steps that the Process page offers: their fields, and for which data each is there."""

from __future__ import annotations

from dataclasses import dataclass

from app.project.project import Entry
from fitting.processing.difference import subtracted_kinds
from fitting.processing.image_spikes import THRESHOLD as IMAGE_THRESHOLD
from fitting.processing.scale import NORMALISATIONS
from fitting.processing.spikes import THRESHOLD
from fitting.sims.kinds import kind_of


@dataclass(frozen=True)
class Field:
    """One entry of a form: name of the parameter, its words, its start, or the texts to choose from.

    `text` keeps what is typed as text; an `optional` field may stay empty, which then means `empty`. A `curve` field
    chooses a spectrum of the project that the step keeps.
    """

    name: str
    label: str
    start: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    text: bool = False
    empty: str = ""
    curve: bool = False

    @property
    def optional(self) -> bool:
        """Whether it may stay empty."""
        return bool(self.empty)


_EVERY = frozenset(("xps", "eels", "sims", "other"))
_XPS, _EELS, _SIMS = frozenset(("xps", "other")), frozenset(("eels",)), frozenset(("sims",))
_ENERGIES = _EVERY - _SIMS  # what lies on an energy axis


@dataclass(frozen=True)
class Form:
    """A kind of step as the panel offers it: for some techniques, for images or single spectra only (None: both).

    Of ToF-SIMS data only for some kinds (`fitting.sims.kinds`), where these are given.
    """

    kind: str
    title: str
    tip: str
    fields: tuple[Field, ...] = ()
    techniques: frozenset[str] = _EVERY
    images: bool | None = None
    kinds: tuple[str, ...] = ()

    def fits(self, entry: Entry | None) -> bool:
        """Whether it is offered for an entry; without one, the forms of photoelectron spectra."""
        if entry is None:
            return "xps" in self.techniques and not self.images
        if entry.spectrum.meta.technique not in self.techniques:
            return False
        if entry.spectrum.meta.technique == "sims" and self.kinds and kind_of(entry.spectrum) not in self.kinds:
            return False
        return self.images is None or self.images == bool(entry.spectrum.navigation)


MODES = dict(zip(NORMALISATIONS, ("to the maximum", "to the area", "to live time (counts/s)", "by a factor"),
                 strict=True))
BACKGROUNDS = {"shirley": "Shirley", "linear": "straight line"}
METHODS = {
    "mirrored tail": "left tail mirrored", "fitted": "fitted peak", "power law": "power-law tail",
    "vacuum reference": "vacuum measurement", "cut": "cut at the limit",
}
_METHOD = Field("method", "Zero loss by", choices=tuple(METHODS.items()))
_LIMIT = Field("limit", "Losses from / eV")
_LOW = Field("low", "Power law from / eV", empty="only for a power law")
_VACUUM = Field("vacuum", "Vacuum measurement", curve=True, empty="only for that method")
_WIDTH = Field("fwhm", "Gaussian FWHM / eV", empty="resolution kept")
_COLUMNS = (Field("columns_from", "Columns from", empty="first"), Field("columns_to", "to", empty="last"))
_ROWS = (Field("rows_from", "Rows from", empty="first"), Field("rows_to", "to", empty="last"))
_SCANS = (Field("scans_from", "Scans from", empty="first"), Field("scans_to", "to", empty="last"))
_POINTS = (Field("scans_from", "Points from", empty="first"), Field("scans_to", "to", empty="last"))
FORMS = (
    Form("crop", "Keep a range", "Leaves out all other points.", (Field("low", "From / eV"), Field("high", "To / eV")),
         _ENERGIES),
    Form("crop", "Keep a range", "Leaves out all other channels.", (Field("low", "From"), Field("high", "To")),
         _SIMS, kinds=("spectrum",)),
    Form("align", "Align the zero loss",
         "Moves the zero-loss peak of every spectrum to 0 eV. Straight lines between channels keep the counts; "
         "neighbours then correlate. The core loss of the same scan is aligned along on the Zero loss page.",
         (Field("method", "Move", choices=(("linear", "between channels"), ("whole", "by whole channels"))),
          Field("search_low", "Search from / eV", empty="all of the axis"),
          Field("search_high", "to / eV", empty="all of the axis")), _EELS),
    Form("loss_scale", "Calibrate energies",
         "One known energy moves the axis, two also correct the dispersion.",
         (Field("measured_1", "Measured / eV"), Field("true_1", "True / eV"),
          Field("measured_2", "Second, measured / eV", empty="none"),
          Field("true_2", "Second, true / eV", empty="none")), _EELS),
    Form("normalise", "Normalise",
         "Divides all intensities by one number; the noise goes along, counts stay counted.",
         (Field("mode", "Normalise", choices=tuple(MODES.items())),
          Field("factor", "Factor", empty="only for a factor"),
          Field("low", "Area from / eV", empty="all of the spectrum"), Field("high", "to / eV", empty=" ")), _ENERGIES),
    Form("normalise", "Normalise",
         "Divides all intensities by one number; the noise goes along, counts stay counted. Profiles are normalised on "
         "their own page.",
         (Field("mode", "Normalise", choices=(("factor", "by a factor"), ("maximum", "to the maximum"))),
          Field("factor", "Factor", empty="only for a factor")), _SIMS, kinds=("spectrum",)),
    Form("unit", "Counts or counts/s",
         "Needs dwell time and sweeps, from the file or given here; the noise goes along exactly.",
         (Field("to", "Convert to", choices=(("counts/s", "counts/s"), ("counts", "counts"))),
          Field("dwell_time", "Dwell time / s", empty="from the file"),
          Field("sweeps", "Sweeps", empty="from the file")), _ENERGIES),
    Form("dark", "Subtract the dark signal",
         "A spectrum measured without beam, kept in the step. Its counts add to the noise where the gain is known.",
         (Field("curve", "Dark spectrum", curve=True), Field("factor", "Factor", "1")), _EELS),
    Form("gain_reference", "Divide by channel sensitivity",
         "A spectrum of even illumination, kept in the step; only its differences between channels matter.",
         (Field("curve", "Even illumination", curve=True),), _EELS),
    Form("spikes", "Take out spikes",
         "Replaces single channels far above their neighbours; each is listed. Very sharp lines can look like spikes: "
         "compare before and after.", (Field("threshold", "Above noise by / σ", f"{THRESHOLD:g}"),), _ENERGIES,
         images=False),
    Form("image_spikes", "Take out spikes",
         "Replaces channels that stand out in one spectrum and not in the others (cosmic rays); each is listed.",
         (Field("threshold", "Above noise by / σ", f"{IMAGE_THRESHOLD:g}"),), _ENERGIES, images=True),
    Form("satellites", "Take out X-ray satellites",
         "For tubes without monochromator. The tube's energies and heights (eV, share) are from memory of the "
         "handbooks, not verified: edit them if you know yours. Auger lines cast none: name their range.",
         (Field("anode", "Tube", choices=(("Al", "Al Kα"), ("Mg", "Mg Kα"))),
          Field("lines", "Satellites", text=True), Field("auger_low", "Auger lines from / eV", empty="none"),
          Field("auger_high", "to / eV", empty="none")), _XPS),
    Form("background", "Subtract a background",
         "For showing and comparing; to fit, keep the background in the model. The noise is that of all counts.",
         (Field("background", "Background", choices=tuple((k, BACKGROUNDS[k]) for k in subtracted_kinds()[::-1])),
          Field("low", "From / eV"), Field("high", "To / eV"), Field("average", "Ends averaged over ± points", "2")),
         _XPS),
    Form("smooth", "Smooth",
         "Savitzky–Golay, for display: neighbours correlate, peaks become lower and wider. Better not fitted.",
         (Field("points", "Points (odd)", "7"), Field("order", "Order", "2")), kinds=("spectrum",)),
    Form("rebin", "Join channels", "Adds counts of neighbours (rates: their mean); counts stay counts.",
         (Field("channels", "Channels each", "2"),), kinds=("spectrum",)),
    Form("resample", "Resample", "Straight lines between points onto an even axis: neighbours correlate.",
         (Field("step", "Step / eV", "0.1"), Field("low", "From / eV", empty="first point"),
          Field("high", "to / eV", empty="last point")), _ENERGIES),
    Form("crop_image", "Keep a part of the image", "Counted from 1, ends included. Drawn regions stay in their place; "
         "maps have to be computed again.", (*_COLUMNS, *_ROWS), images=True, kinds=("spectrum", "image")),
    Form("crop_image", "Keep scans and a part of the field", "Counted from 1, ends included. Drawn regions stay in "
         "their place; images and factors have to be computed again.", (*_SCANS, *_COLUMNS, *_ROWS), _SIMS, images=True,
         kinds=("cube",)),
    Form("crop_image", "Keep some points of the profile", "Counted from 1, ends included; dose and fluence are cut "
         "along.", _POINTS, _SIMS, images=True, kinds=("profile",)),
    Form("bin_image", "Join pixels", "Adds the counts of neighbouring pixels; maps have to be computed again.",
         (Field("columns", "Columns each", "2"), Field("rows", "Rows each", "2")), images=True,
         kinds=("spectrum", "image")),
    Form("bin_image", "Join scans and pixels", "Adds the counts of neighbouring voxels (of corrected intensities their "
         "mean); times are averaged. What fills no group at the end is left out.",
         (Field("scans", "Scans each", "1"), Field("columns", "Columns each", "2"), Field("rows", "Rows each", "2")),
         _SIMS, images=True, kinds=("cube",)),
    Form("bin_image", "Join points of the profile", "Adds the counts of neighbouring points (of corrected intensities "
         "their mean); times are averaged. What fills no group at the end is left out.",
         (Field("scans", "Points each", "2"),), _SIMS, images=True, kinds=("profile",)),
    Form("zero_loss", "Remove the zero loss",
         "Leaves the losses from the limit on. The Zero loss page shows what is taken away.",
         (_METHOD, _LIMIT, _LOW, _VACUUM), _EELS),
    Form("fourier_log", "Fourier-log",
         "Single scattering J1 in counts per channel, from a low loss with its zero-loss peak.",
         (_METHOD, _LIMIT, _LOW, _VACUUM, _WIDTH), _EELS),
    Form("fourier_ratio", "Fourier-ratio",
         "Core loss without plural scattering, K1 in counts per channel; its background must be gone: give its window.",
         (Field("curve", "Low loss", curve=True), _METHOD, _LIMIT, _LOW, _VACUUM,
          Field("low_background", "Background from / eV", empty="already subtracted"),
          Field("high_background", "to / eV", empty="already subtracted"), _WIDTH), _EELS),
    Form("richardson_lucy", "Richardson–Lucy",
         "Sharpens by a measured peak; counts are kept. Noise grows with every iteration: 5 to 15 are usual.",
         (Field("curve", "Measured peak", curve=True), Field("reach", "Peak within ± / eV", empty="all of it"),
          Field("iterations", "Iterations", "10"),
          Field("negative", "Negative counts", choices=(("refuse", "are refused"), ("zero", "count as zero")))), _EELS),
    Form("transmission", "Divide by transmission",
         "By the file's transmission function, relative to its mean; it is not applied again in quantification. The "
         "counts are no longer Poisson: better left to quantification.", techniques=_XPS),
    Form("charge_state", "Charge neutraliser", "How the sample was charged; each state has its own charge reference.",
         (Field("state", "State", choices=tuple((s, s) for s in ("neutraliser on", "neutraliser off"))),), _XPS),
    Form("sign", "Change the sign", "For detectors that count downwards.", techniques=_ENERGIES),
)


def offered(entry: Entry | None) -> dict[str, Form]:
    """The forms for an entry, by the kind of their step."""
    return {form.kind: form for form in FORMS if form.fits(entry)}
