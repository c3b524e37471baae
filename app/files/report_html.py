"""The small set of HTML that reports are made of. Text is escaped here and nowhere else; `Html` is text that is.

A page holds no script and refers to nothing outside itself.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def escaped(text: object) -> Html:
    """Text as HTML; what is `Html` already stays."""
    if isinstance(text, Html):
        return text
    return Html(html.escape(_CONTROL.sub("\ufffd", str(text)), quote=True))


def joined(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after another, each escaped."""
    return Html(between.join(escaped(part) for part in parts))


def tag(name: str, *content: object, **attributes: str) -> Html:
    """An element: `tag("td", 3, class_="n")`."""
    named = "".join(f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{named}>{joined(content)}</{name}>")


def table(
    heads: Sequence[object], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = (), narrow: bool = False
) -> Html:
    """A table with one header row; the columns in `numbers` are aligned as numbers."""

    def cells(kind: str, row: Sequence[object]) -> Html:
        return joined(tag(kind, cell, class_="n") if i in numbers else tag(kind, cell) for i, cell in enumerate(row))

    body = joined((tag("tr", cells("td", row)) for row in rows), "\n")
    inner = tag("table", tag("thead", tag("tr", cells("th", heads))), tag("tbody", body))
    return tag("div", inner, class_="wide narrow" if narrow else "wide")


def facts(rows: Iterable[tuple[object, object]]) -> Html:
    """Names with their values."""
    return tag("dl", joined((tag("div", tag("dt", name), tag("dd", value)) for name, value in rows), "\n"))


def page(title: str, style: str, *content: object) -> str:
    """A whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Belt and braces: even if something slipped through, a browser would run and fetch nothing.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escaped(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        f"{joined(content, chr(10))}\n</main>\n</body>\n</html>\n"
    )


STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1a2130; --muted: #5c6678; --rule: #e1e5ec; --soft: #f5f7fa;
  --accent: #2453c9; --warn: #8a4f00; --warn-soft: #fff5e0; --bar: #b9cdf6; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181e; --ink: #e6e9ef; --muted: #a0a9b9; --rule: #2b313c;
  --soft: #1b1f27; --accent: #8bb0f8; --warn: #f0b45c; --warn-soft: #2b2418; --bar: #2c4274; }
  .figure img { filter: invert(0.91) hue-rotate(180deg); } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 "Inter", "Segoe UI", system-ui,
  -apple-system, "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 62rem; margin: 0 auto; padding: 3rem 1.5rem 4rem; }
header { border-bottom: 2px solid var(--ink); padding-bottom: 1rem; margin-bottom: 1.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.015em; text-wrap: balance; }
h2 { font-size: 1.4rem; margin: 3.2rem 0 .6rem; padding-top: .9rem; border-top: 1px solid var(--rule);
  letter-spacing: -.01em; }
h3 { font-size: 1.08rem; margin: 2.2rem 0 .5rem; }
h4 { font-size: .78rem; margin: 1.3rem 0 .3rem; color: var(--muted); text-transform: uppercase; letter-spacing: .06em; }
p { margin: .4rem 0; max-width: 46rem; overflow-wrap: anywhere; }
.muted, .note { color: var(--muted); } .note { font-size: .87rem; }
nav { columns: 14rem 3; font-size: .93rem; margin: .8rem 0 0; } nav a { display: block; padding: .1rem 0; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
.wide { overflow-x: auto; margin: .4rem 0 .8rem; }
table { border-collapse: collapse; font-size: .87rem; line-height: 1.4; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--muted); border-bottom: 1px solid var(--muted);
  padding: .3rem .8rem .3rem 0; vertical-align: bottom; }
td { border-bottom: 1px solid var(--rule); padding: .3rem .8rem .3rem 0; vertical-align: top;
  overflow-wrap: break-word; }
th:last-child, td:last-child { padding-right: 0; }
.n { text-align: right; white-space: nowrap; } .whole { white-space: nowrap; }
.narrow table { width: auto; } .narrow td, .narrow th { padding-right: 2.2rem; }
.held { color: var(--muted); } sup { color: var(--accent); line-height: 0; font-size: .72em; margin-left: .1em; }
.bar { display: inline-block; height: .62rem; background: var(--bar); border-radius: 2px; min-width: 1px; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); gap: 0 2rem; margin: .4rem 0 1rem;
  font-size: .87rem; }
dl div { display: flex; justify-content: space-between; gap: 1rem; border-bottom: 1px solid var(--rule);
  padding: .26rem 0; }
dt { color: var(--muted); white-space: nowrap; } dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
.figure { margin: .6rem 0 1rem; text-align: center; } .figure img { width: 100%; max-width: 44rem; height: auto; }
.warn { border-left: 3px solid var(--warn); background: var(--warn-soft); padding: .45rem .8rem; margin: .5rem 0;
  font-size: .88rem; max-width: none; }
ol.sources { font-size: .82rem; color: var(--muted); padding-left: 1.4rem; margin: .3rem 0 1rem; }
code { font: .86em ui-monospace, "SF Mono", Consolas, monospace; overflow-wrap: anywhere; }
.hash { color: var(--muted); }
@media print { @page { margin: 16mm 14mm; } :root { --paper: #fff; --ink: #000; --muted: #444; --rule: #ccc;
  --soft: #fff; --accent: #000; --warn: #000; --warn-soft: #fff; --bar: #bbb; }
  .figure img { filter: none; max-width: 150mm; } body { font-size: 10pt; } main { max-width: none; padding: 0; }
  h2 { break-before: page; border: 0; } h3, h4 { break-after: avoid; } tr, .figure, .warn { break-inside: avoid; }
  .wide { overflow: visible; } nav { display: none; } * { print-color-adjust: exact; } }
"""
