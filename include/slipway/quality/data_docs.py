"""Great Expectations' Data Docs, made to open without a network.

As built, the pages load Bootstrap, jQuery and icons from six hosts, show a logo whose address carries the project's
id, and an index that stays empty until those scripts ran. What is loaded from elsewhere is taken out, a style sheet
for the classes that they use is put in, and the index becomes a plain list of the pages. Collapsed parts open by
``:target``, without a script.
"""

from __future__ import annotations

import re
import shutil
from html import escape
from pathlib import Path

from slipway.core.identity import Subject
from slipway.reporting.page import card, page
from slipway.reporting.tables import table

OFFLINE_STYLE = """<style>
*{box-sizing:border-box}body{margin:0;background:#f5f7fa;color:#1b2430;font:14px/1.5 system-ui,sans-serif}
a{color:#2f6fb3;text-decoration:none}.navbar{padding:10px 24px;background:#fff;border-bottom:1px solid #e3e8ee}
.breadcrumb{list-style:none;display:flex;gap:10px;margin:0;padding:0}.container-fluid{padding:12px 24px}
.row{display:flex;flex-wrap:wrap}.col-12{flex:0 0 100%;max-width:100%}.col-6{flex:0 0 50%}
.col-lg-2{flex:0 0 290px;padding-right:18px}.col-lg-10{flex:1;min-width:0}
.card,.ge-section{background:#fff;border:1px solid #e3e8ee;border-radius:8px;padding:10px 14px;margin-bottom:14px}
.alert{padding:2px 0}.nav{list-style:none;padding:0;margin:0}.nav-link{display:block;padding:2px 4px}
.nav-link{overflow-wrap:anywhere}.collapse{display:none}.collapse:target{display:block}
h4,h5,h6{margin:4px 0 8px;font-size:15px}.table{border-collapse:collapse;width:100%}
.table td,.table th{border-bottom:1px solid #e3e8ee;padding:6px 10px;
text-align:left;vertical-align:top}.badge{border-radius:4px;padding:1px 6px;background:#eef1f5;font-size:12px}
.badge-danger,.text-danger{color:#b3261e}.text-success{color:#17794a}.text-warning{color:#8a5a00}
code{font-size:12px;white-space:pre-wrap;overflow-wrap:anywhere}.fas{font-style:normal;font-weight:700}
.fa-check-circle:before{content:"✓"}.fa-times:before{content:"✗"}.fa-exclamation-triangle:before{content:"!"}
.cooltip .top,footer{display:none}
</style>"""

_CUTS = tuple(
    re.compile(pattern, re.DOTALL | re.IGNORECASE)
    for pattern in (
        r"<script\b.*?</script>",
        r"<link\b[^>]*>",
        r"<img\b[^>]*>",
        r"<footer\b.*?</footer>",
        r'<div class="card mb-3">\s*<div class="card-header p-2">\s*<strong>Actions</strong>'
        r'.*?(?=<div class="card d-md)',
        r"@media \(prefers-color-scheme: dark\) \{.*?(?=</style>)",
    )
)


def publish(site: Path, *, title: str, subject: Subject) -> None:
    """Rewrite the pages below ``site`` in place and write ``site/index.html``."""
    pages = [p for p in sorted(site.rglob("*.html")) if p != site / "index.html"]
    for path in pages:
        path.write_text(offline(path.read_text(encoding="utf-8")), encoding="utf-8")
    shutil.rmtree(site / "static", ignore_errors=True)
    (site / "index.html").write_text(_index(site, pages, title, subject), encoding="utf-8")


def offline(html: str) -> str:
    """Return a Data Docs page without anything that is loaded from elsewhere."""
    for cut in _CUTS:
        html = cut.sub("", html)
    return html.replace("</head>", OFFLINE_STYLE + "</head>", 1)


def _index(site: Path, pages: list[Path], title: str, subject: Subject) -> str:
    rows = []
    for path in pages:
        relative = path.relative_to(site)
        kind = "Validation result" if relative.parts[0] == "validations" else "Expectation suite"
        rows.append((kind, f'<a href="{escape(relative.as_posix())}">{escape(path.stem)}</a>', _status(path)))
    rows.sort(key=lambda row: row[0], reverse=True)
    listed = card("Pages", table(("Kind", "Page", "Status"), rows))
    lead = "Rendered by Great Expectations, with everything in the folder."
    return page(title, subject, [listed], lead=lead)


def _status(path: Path) -> str:
    found = re.search(r"Status:</span>.*?</i>\s*(\w+)", path.read_text(encoding="utf-8"), re.DOTALL)
    return escape(found.group(1)) if found else ""
