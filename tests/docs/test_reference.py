"""The manual says what the program has."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_reference_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = module.TARGET.read_text(encoding="utf-8")
    assert written == module.text(), "run: python docs/make_reference.py"


def test_links_of_the_documents_lead_somewhere():
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_true_compositions_in_the_manual():
    from fitting.simulate.samples import xps_samples
    from fitting.simulate.xps import expectation

    manual = (ROOT / "docs" / "manual" / "samples.md").read_text(encoding="utf-8")
    for spec in xps_samples():
        shares = sorted(expectation(spec).truth.at_percent.items(), key=lambda item: -item[1])
        row = ", ".join(f"{element} {value:.2f}" for element, value in shares)
        assert f"| {spec.name} | {row} |" in manual
