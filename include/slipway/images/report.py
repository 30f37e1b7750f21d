"""The build's report: one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from slipway.core.identity import Subject
from slipway.core.verdict import Bound, Measurement, Outcome, decide
from slipway.images.job import MEGABYTE, Product
from slipway.images.sbom import license_of

_STYLE = """
:root{--ink:#1c2430;--soft:#5b6675;--line:#e3e8ef;--back:#f6f8fb;--good:#0f7b4f;--bad:#b42318;--open:#9a6700}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 24px 60px}h1{font-size:24px;margin:0 0 4px}
h2{font-size:16px;margin:0 0 12px}
p{margin:4px 0;color:var(--soft)}section{background:#fff;border:1px solid var(--line);border-radius:10px;
padding:20px 22px;margin-top:18px;overflow-x:auto}.tiles{display:grid;gap:12px;
grid-template-columns:repeat(auto-fit,minmax(150px,1fr));margin-top:20px}.tile{background:#fff;
border:1px solid var(--line);border-radius:10px;padding:12px 16px}.tile b{display:block;font-size:23px}
.tile span{color:var(--soft);font-size:13px}table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;font-weight:600;color:var(--soft);font-size:12px}td.small{color:var(--soft);font-size:12px}
a{color:#2f6fb3}th,td{padding:6px 10px 6px 0;
border-bottom:1px solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}
td.n{text-align:right;font-variant-numeric:tabular-nums;padding-right:18px}code,pre{font:12px/1.6 ui-monospace,
monospace}
code{overflow-wrap:anywhere}td.h code{white-space:nowrap}th.n{text-align:right;padding-right:18px}
pre{margin:0;white-space:pre-wrap;max-height:480px;overflow:auto}
.chip{display:inline-block;border-radius:99px;padding:1px 10px;font-size:12px;font-weight:650}
h1 .chip{font-size:15px;vertical-align:3px;margin-left:8px}.PASSED{background:#e2f4ea;color:var(--good)}
.FAILED{background:#fbe4e6;color:var(--bad)}.INCONCLUSIVE{background:#fdf0d8;color:var(--open)}
.recorded{background:#edf1f5;color:var(--soft)}summary{cursor:pointer;font-weight:600}
"""
_TILES = {
    "build.seconds": ("built in", "{:.1f} s"),
    "image.size_mb": ("size", "{:.0f} MB"),
    "image.added_mb": ("above the base image", "{:.0f} MB"),
    "lock.packages": ("locked packages", "{:.0f}"),
    "runtime_layer.reused": ("runtime layer", "{}"),
}


def render_report(
    subject: Subject,
    product: Product,
    measurements: Sequence[Measurement],
    *,
    log: Iterable[str],
    kept: Iterable[str],
) -> str:
    """Return the page: outcome, figures, checks, origin, packages, log, and links to the files ``kept`` beside it."""
    outcome = decide(measurements).outcome
    title = f"{subject.model} version {subject.version}"
    links = ", ".join(f'<a href="{escape(name)}">{escape(name)}</a>' for name in kept)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Image: {escape(title)}</title><style>{_STYLE}</style>
<main>
<h1>Image: {escape(title)} {_chip(outcome)}</h1>
<p>Locked, fetched and verified by hash, built without network, runtime <code>{product.image.runtime.value}</code>.</p>
<div class="tiles">{_tiles(measurements)}</div>
<section><h2>What decided</h2>{_checks(measurements)}</section>
<section><h2>Made from</h2>{_facts(subject, product)}</section>
<section><h2>Packages</h2>{_packages(product)}</section>
<section><details><summary>Build log</summary><pre>{escape(chr(10).join(log))}</pre></details></section>
<p>Beside this page: {links}</p>
</main></html>
"""


def _tiles(measurements: Sequence[Measurement]) -> str:
    by_name = {m.name: m.value for m in measurements}
    tiles = []
    for name, (label, form) in _TILES.items():
        value: Any = by_name.get(name)
        if value is None:
            continue
        if name.endswith("reused"):
            value = "reused" if value else "built"
        tiles.append(f'<div class="tile"><b>{escape(form.format(value))}</b><span>{escape(label)}</span></div>')
    return "".join(tiles)


def _checks(measurements: Sequence[Measurement]) -> str:
    rows = []
    for m in measurements:
        if m.threshold is None:
            continue
        side = "≤" if m.bound is Bound.MAX else "≥"
        rows.append(
            f"<tr><td>{_chip(m.outcome)}</td><td><code>{escape(m.name)}</code></td>"
            f'<td class="n">{"-" if m.value is None else format(m.value, "g")}</td><td class="n">{side} {m.threshold:g}'
            f'</td><td class="n">{m.n}</td><td class="small">{escape(m.note)}</td></tr>'
        )
    counts = "".join(f'<th class="n">{name}</th>' for name in ("Value", "Limit", "n"))
    head = f"<tr><th>Verdict</th><th>Measurement</th>{counts}<th>Note</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _chip(outcome: Outcome | None) -> str:
    text = "recorded" if outcome is None else outcome.value
    return f'<span class="chip {text}">{text}</span>'


def _facts(subject: Subject, product: Product) -> str:
    image, base = product.image, product.base
    facts: dict[str, str] = {
        "Artifact": subject.artifact_sha256,
        "Image": image.digest,
        "Python": image.python_version,
        "Lock": image.lock_sha256,
    }
    if base is not None:
        facts["Base image"] = f"{base.reference} {base.id} ({len(base.packages)} system packages)"
    facts |= {_label(key): str(value) for key, value in _plain(product.details).items()}
    rows = (f"<tr><td>{escape(key)}</td><td><code>{escape(value)}</code></td></tr>" for key, value in facts.items())
    return f"<table>{''.join(rows)}</table>"


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in details.items() if isinstance(value, str | int | float)}


def _label(key: str) -> str:
    return key.replace("_sha256", "").replace("_", " ").capitalize()


def _packages(product: Product) -> str:
    rows = (
        f"<tr><td>{escape(w.package)}</td><td>{escape(w.version)}</td>"
        f'<td class="n">{w.path.stat().st_size / MEGABYTE:.2f}</td><td>{escape(license_of(w))}</td>'
        f'<td class="h"><code>{w.sha256[7:19]}</code></td></tr>'
        for w in product.wheels
    )
    head = '<tr><th>Package</th><th>Version</th><th class="n">Wheel, MB</th><th>Licence</th><th>sha256</th></tr>'
    return f"<table>{head}{''.join(rows)}</table>"
