"""What is asked of the factors of ions: closure, one maximum, zeros, known spectra, the start, bands."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QListWidget, QSpinBox, QVBoxLayout, QWidget

from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.sims.factor_ions import ion_words
from app.gui.theme import GAP_2
from fitting.dataset import FloatArray, Spectrum
from fitting.factors.constraints import Constraints
from fitting.factors.kept import KeptFactors
from fitting.sims.columns import counted
from libraries.errors import BadData

_PUREST, _POINTS, _FOUND = "purest", "points", "found"
_WITHOUT, _ABSENT = "without", "absent"


class FactorRules(QWidget):
    """Constraints beyond "zero or above"."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spectrum: Spectrum | None = None
        self._found: KeptFactors | None = None
        self._zeros: list[tuple[str, int, int, int]] = []
        self.closure = QCheckBox("Closure: the phases add up to 1 at every depth")
        self.closure.setToolTip("Scales the factors so that their sum is as near to 1 as it can be everywhere. It "
                                "gives shares of phases and the total yield of each; the fit is not changed.")
        self.unimodal = QCheckBox("One maximum along the depth for every factor")
        self.unimodal.setToolTip("Every profile rises to one maximum and falls after it: layers that occur once.")
        self.start = QComboBox()
        self.start.setAccessibleName("Start of the factors")
        for key, words in ((_PUREST, "the purest points"), (_POINTS, "chosen points"), (_FOUND, "the shown factors")):
            self.start.addItem(words, key)
        self.start.activated.connect(lambda _: self._show())
        self.points = QLineEdit()
        self.points.setPlaceholderText("depths, for example 10; 40; 85")
        self.points.setAccessibleName("Depths whose spectra are the start")
        self.keep = QLineEdit()
        self.keep.setPlaceholderText("numbers of shown factors, for example 1, 3")
        self.keep.setAccessibleName("Spectra that are kept as they are")
        self.keep.setToolTip("Equality: the spectra of these shown factors are known and stay; they come first.")
        self._build_zeros()
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        body.addWidget(self.closure)
        body.addWidget(self.unimodal)
        line = row(QLabel("Start with"), self.start, self.points, stretch=False)
        line.setStretch(1, 1)
        body.addLayout(line)
        body.addLayout(row(QLabel("Keep spectra"), self.keep, stretch=False))
        body.addWidget(muted("Zeros: what is known to be absent. Factors are numbered as they are shown; start with "
                             "the shown factors, so that the numbers stay."))
        body.addLayout(row(QLabel("Factor"), self.factor, self.kind, self.ion, self.low, self.to, self.high,
                           button("Add", "Add this zero", self._add), stretch=False))
        body.addWidget(self.zeros)
        body.addLayout(row(self.drop))
        self._show()

    def _build_zeros(self) -> None:
        self.factor = QSpinBox()
        self.factor.setRange(1, 20)
        self.factor.setAccessibleName("Factor")
        self.kind = QComboBox()
        self.kind.setAccessibleName("Kind of zero")
        self.kind.addItem("has no", _WITHOUT)
        self.kind.addItem("is absent from", _ABSENT)
        self.kind.activated.connect(lambda _: self._show())
        self.ion = QComboBox()
        self.ion.setAccessibleName("Ion")
        self.low, self.high, self.to = QLineEdit(), QLineEdit(), QLabel("to")
        for field, name in ((self.low, "Absent from"), (self.high, "Absent to")):
            field.setMaximumWidth(70)
            field.setAccessibleName(name)
        self.zeros = QListWidget()
        self.zeros.setAccessibleName("Zeros")
        self.zeros.setFixedHeight(76)
        self.drop = button("Remove zero", "Take the marked zero away", self._drop)

    # -- showing ------------------------------------------------------------------------------------------------

    def show_data(self, spectrum: Spectrum, found: KeptFactors | None) -> None:
        """Follow the data and the shown analysis."""
        other = self._spectrum is None or self._spectrum.axis.labels != spectrum.axis.labels
        self._spectrum, self._found = spectrum, found
        if other:
            self._zeros = []
            self.ion.clear()
            for place in counted(spectrum.axis):
                self.ion.addItem(ion_words(spectrum.axis.labels[place]), place)
        if found is None and self.start.currentData() == _FOUND:
            self.start.setCurrentIndex(0)
        self._show()

    def _show(self) -> None:
        profile = self._spectrum is not None and len(self._spectrum.navigation) == 1
        self.unimodal.setEnabled(profile)
        self.points.setVisible(self.start.currentData() == _POINTS)
        absent = self.kind.currentData() == _ABSENT
        self.ion.setVisible(not absent)
        for widget in (self.low, self.to, self.high):
            widget.setVisible(absent)
        self.keep.setEnabled(self._found is not None)
        self.zeros.clear()
        self.zeros.addItems([self._words(zero) for zero in self._zeros])
        for widget in (self.zeros, self.drop):
            widget.setVisible(bool(self._zeros))

    def _words(self, zero: tuple[str, int, int, int]) -> str:
        kind, factor, first, last = zero
        spectrum = self._spectrum
        if spectrum is None:
            return ""
        if kind == _WITHOUT:
            return f"Factor {factor + 1} has no {ion_words(spectrum.axis.labels[first])}"
        axis = spectrum.navigation[0]
        ends = f"{plain(axis.values[first], 1)} to {plain(axis.values[last], 1)} {axis.unit}"
        return f"Factor {factor + 1} is absent from {ends}"

    # -- asking -------------------------------------------------------------------------------------------------

    def _add(self) -> None:
        spectrum, factor = self._spectrum, self.factor.value() - 1
        if spectrum is None:
            return
        if self.kind.currentData() == _WITHOUT:
            if self.ion.currentIndex() < 0:
                return
            place = int(self.ion.currentData())
            new = (_WITHOUT, factor, place, place)
        else:
            axis = spectrum.navigation[0].values
            try:
                ends = [parse_number(field.text(), "The depth") for field in (self.low, self.high)]
            except BadData as error:
                self.low.setToolTip(str(error))
                self.low.setFocus()
                return
            inside = np.flatnonzero((axis >= min(ends)) & (axis <= max(ends)))
            if not inside.size:
                return
            new = (_ABSENT, factor, int(inside[0]), int(inside[-1]))
        if new not in self._zeros:
            self._zeros.append(new)
        self._show()

    def _drop(self) -> None:
        at = self.zeros.currentRow()
        if 0 <= at < len(self._zeros):
            del self._zeros[at]
        self._show()

    def wanted(self, k: int, channels: tuple[int, ...]) -> Constraints:
        """The constraints for k factors of these channels.

        Raises
        ------
        BadData
            If something does not fit.
        """
        found = Constraints(
            self.closure.isChecked(), self.unimodal.isChecked() and self.unimodal.isEnabled(),
            tuple((factor, first) for kind, factor, first, _ in self._zeros if kind == _WITHOUT),
            tuple((factor, first, last) for kind, factor, first, last in self._zeros if kind == _ABSENT),
        )  # fmt: skip
        kept_ = self._kept(k)
        if kept_:
            found = replace(found, fixed=self._spectra(kept_, channels))
        if self.start.currentData() == _POINTS:
            return replace(found, points=self._chosen(k - len(kept_)))
        if self.start.currentData() == _FOUND and self._found is not None:
            others = tuple(i for i in range(len(self._found.names)) if i not in kept_)
            if len(others) + len(kept_) != k:
                raise BadData(f"The shown analysis has {len(self._found.names)} factors, {k} are asked for",
                              todo="Ask for as many, or start with the purest points")
            if others:
                found = replace(found, start=self._spectra(others, channels))
        return found

    def _kept(self, k: int) -> tuple[int, ...]:
        words = [word for word in re.split(r"[,;\s]+", self.keep.text().strip()) if word]
        if not words or self._found is None:
            return ()
        number = len(self._found.names)
        if any(not word.isdecimal() or not 1 <= int(word) <= number for word in words) or len(set(words)) > k:
            raise BadData(f"Spectra to be kept: {self.keep.text()}", todo=f"Give numbers from 1 to {number}")
        return tuple(dict.fromkeys(int(word) - 1 for word in words))

    def _spectra(self, factors: tuple[int, ...], channels: tuple[int, ...]) -> FloatArray:
        """Spectra of shown factors on the chosen channels; ions that were not analysed then start at their mean."""
        shown = self._found
        if shown is None:
            raise BadData("No factors are shown")
        known = {place: number for number, place in enumerate(shown.places)}
        missing = [place for place in channels if place not in known]
        if missing:
            raise BadData("The shown factors were found without some of these ions", todo="Choose the same ions")
        return np.asarray(shown.spectra[np.ix_(list(factors), [known[place] for place in channels])])

    def _chosen(self, wanted: int) -> tuple[int, ...]:
        words = [word for word in re.split(r"[;\s]+", self.points.text().strip()) if word]
        if len(words) != wanted or self._spectrum is None:
            raise BadData(f"{len(words)} depths are given, {wanted} factors need a start",
                          todo="Give one depth a factor, for example 10; 40; 85")
        axis = self._spectrum.navigation[0].values
        return tuple(int(np.argmin(np.abs(axis - parse_number(word, "A depth")))) for word in words)
