"""The steps of the test command: what they run, how they ended, and the closing summary."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from installer.messages import duration, say
from installer.process import TIMED_OUT, Outcome, clean_environment, through

NONE_COLLECTED = 5
COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b")
CLOSING = re.compile(r"^=* ?((?:\d+ \w+(?:, )?)+|no tests ran) in [\d.]+s", re.MULTILINE)
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


@dataclass(frozen=True)
class Step:
    """One command of the test run. `skip` says why it does not run here, `empty` that pytest must find a test."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    skip: str = ""
    empty: str = ""
    limit_s: float = 1800.0


@dataclass(frozen=True)
class Result:
    """How a step ended: `state` is ok, FAILED or skipped; `note` its closing line."""

    step: Step
    state: str
    note: str
    seconds: float
    text: str = ""


def steps(root: Path, python: Path, *, full: bool, xvfb_run: str | None) -> list[Step]:
    """List the steps in their order; the long ones last.

    Parameters
    ----------
    root : Path
        The project's folder.
    python : Path
        The interpreter of its environment.
    full : bool
        Also the long statistics and the benchmarks.
    xvfb_run : str or None
        The program that gives a virtual display, where there is one.
    """
    run = str(python)
    # Two workers on two cores: a linear algebra library that starts its own threads on top only makes them wait.
    calm = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    offscreen = calm | {"QT_QPA_PLATFORM": "offscreen"}
    workers = ("-n", "2")
    pytest = (run, "-m", "pytest", "-q", "-rfEs", "--durations=10", "--durations-min=5")
    wanted = [
        Step("lint", (run, "-m", "ruff", "check", "--output-format", "concise", ".")),
        Step("rooms", (run, "-c", LINT_IMPORTS, "--no-logo")),
        # Once a machine and state of the sources, before two workers would do it at the same time.
        Step("compiled fits", (run, "-m", "fitting.kernels"), calm),
        Step("tests", (*pytest, *workers), offscreen, empty="no test was found in tests"),
        _window_step(root, pytest, calm, full=full, xvfb_run=xvfb_run),
    ]
    if full:
        long = (*pytest, *workers, "-m", "full and not xvfb")
        wanted += [
            Step("long tests", long, offscreen | {"SODALITE_FULL": "1"}, empty="no long test was found", limit_s=10800),
            Step("benchmarks", (run, "-m", "benchmarks"), {"QT_QPA_PLATFORM": "offscreen"}, limit_s=3600),
        ]
    return wanted


def _window_step(
    root: Path, pytest: Sequence[str], calm: Mapping[str, str], *, full: bool, xvfb_run: str | None
) -> Step:
    skip = ""
    if not (root / "tests" / "gui").is_dir():
        skip = "there is no tests/gui yet"
    elif not xvfb_run:
        skip = "xvfb-run is not installed"
    screen = (xvfb_run or "xvfb-run", "-a", "-s", "-screen 0 1600x1000x24")
    marks = "xvfb" if full else "xvfb and not full"
    environment = dict(calm) | {"QT_QPA_PLATFORM": "xcb"}
    command = (*screen, *pytest, "-m", marks, "tests/gui")
    return Step("window tests", command, environment, skip=skip, empty="no window test was found")


def run_steps(
    wanted: Sequence[Step],
    root: Path,
    more: Mapping[str, str],
    run: Callable[..., Outcome] = through,
) -> list[Result]:
    """Run all steps, also after a failure, each with a heading and its time."""
    results: list[Result] = []
    for place, step in enumerate(wanted, 1):
        say(f"\n[{place}/{len(wanted)}] {step.name}")
        if step.skip:
            say(f"skipped: {step.skip}")
            results.append(Result(step, "skipped", step.skip, 0.0))
            continue
        say("$ " + " ".join(step.command))
        started = time.monotonic()
        outcome = run(
            step.command,
            cwd=root,
            env=clean_environment(os.environ, **more, **step.environment),
            limit_s=step.limit_s,
        )
        result = judge(step, outcome, time.monotonic() - started)
        say(f"{step.name}: {result.state} in {duration(result.seconds)}")
        results.append(result)
    return results


def judge(step: Step, outcome: Outcome, seconds: float) -> Result:
    """Tell from status and output how a step ended."""
    closing = CLOSING.findall(outcome.text)
    note = closing[-1] if closing else ""
    if outcome.code == TIMED_OUT:
        note = f"stopped after {duration(step.limit_s)}"
    elif outcome.code == NONE_COLLECTED and step.empty:
        note = step.empty
    elif outcome.code != 0 and not note:
        note = f"status {outcome.code}"
    return Result(step, "ok" if outcome.code == 0 else "FAILED", note, seconds, outcome.text)


def totals(results: Sequence[Result]) -> str:
    """Add up the closing lines of all test steps: `214 passed, 0 failed, 3 skipped`."""
    sums = {"passed": 0, "failed": 0, "skipped": 0}
    for result in results:
        for count, word in COUNT.findall(result.note):
            kind = {"error": "failed", "errors": "failed", "xpassed": "failed", "xfailed": "skipped"}.get(word, word)
            sums[kind] += int(count)
    return f"{sums['passed']} passed, {sums['failed']} failed, {sums['skipped']} skipped"


def summary(results: Sequence[Result], seconds: float) -> list[str]:
    """Return the closing lines: a row a step, the failed steps by name, the sum of tests last."""
    lines = ["", f"Summary ({duration(seconds)} after set-up)"]
    for result in results:
        row = f"  {result.state:<8} {duration(result.seconds):>12}  {result.step.name:<13} {result.note}"
        lines.append(row.rstrip())
    failed = [result.step.name for result in results if result.state == "FAILED"]
    lines.append(f"Failed steps: {', '.join(failed)}" if failed else "All steps passed.")
    return [*lines, totals(results)]
