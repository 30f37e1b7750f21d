"""The build's report: one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from slipway.core.identity import Subject
from slipway.core.verdict import Measurement, decide
from slipway.images.backends_report import backends_section
from slipway.images.content import content_digest
from slipway.images.job import MEGABYTE, Product
from slipway.images.sbom import license_of
from slipway.reporting.page import card, page, tiles
from slipway.reporting.tables import measurement_table, table

_CSS = "pre{max-height:480px;overflow:auto}td:first-child{white-space:nowrap}"
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
    links = ", ".join(f'<a href="{escape(name)}">{escape(name)}</a>' for name in kept)
    parts = [
        tiles(_figures(measurements)),
        card("What decided", measurement_table(m for m in measurements if m.threshold is not None)),
        card("Backends", backends_section(product.choice)),
        card("Made from", _facts(subject, product)),
        card("Packages", _packages(product)),
        card("Log", f"<details><summary>Build log</summary><pre>{escape(chr(10).join(log))}</pre></details>"),
        f'<p class="footnote">Beside this page: {links}</p>',
    ]
    lead = f"Locked, fetched and verified by hash, built without network, runtime {product.image.runtime.value}."
    made = subject.with_image(product.image.digest)
    return page("Image", made, parts, outcome=decide(measurements).outcome, lead=lead, css=_CSS)


def _figures(measurements: Sequence[Measurement]) -> list[tuple[str, str]]:
    by_name = {m.name: m.value for m in measurements}
    figures = []
    for name, (label, form) in _TILES.items():
        value: Any = by_name.get(name)
        if value is None:
            continue
        if name.endswith("reused"):
            value = "reused" if value else "built"
        figures.append((label, form.format(value)))
    return figures


def _facts(subject: Subject, product: Product) -> str:
    image, base = product.image, product.base
    facts: dict[str, str] = {
        "Artifact": subject.artifact_sha256,
        "Image": image.digest,
        "Content, without times": content_digest(product.content),
        "Python": image.python_version,
        "Lock": image.lock_sha256,
    }
    if base is not None:
        facts["Base image"] = f"{base.reference} {base.id} ({len(base.packages)} system packages)"
    facts |= {_label(key): str(value) for key, value in _plain(product.details).items()}
    return table((), [(escape(key), f"<code>{escape(value)}</code>") for key, value in facts.items()])


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in details.items() if isinstance(value, str | int | float)}


def _label(key: str) -> str:
    return key.replace("_sha256", "").replace("_", " ").capitalize()


def _packages(product: Product) -> str:
    rows = [
        (
            escape(w.package),
            escape(w.version),
            f"{w.path.stat().st_size / MEGABYTE:.2f}",
            escape(license_of(w)),
            f"<code>{w.sha256[7:19]}</code>",
        )
        for w in product.wheels
    ]
    return table(("Package", "Version", "Wheel, MB", "Licence", "sha256"), rows, numeric=(2,))
