"""The software bill of materials: CycloneDX JSON of the model, its locked packages, and what the base image holds."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from email.parser import HeaderParser
from typing import TYPE_CHECKING

from slipway.core.identity import Subject
from slipway.errors import ImageBuildError
from slipway.images.base import BaseImage
from slipway.images.wheels import Wheel

if TYPE_CHECKING:
    from cyclonedx.model import HashType
    from cyclonedx.model.component import Component

_MAX_LICENSE = 80


def make_sbom(subject: Subject, wheels: Sequence[Wheel], base: BaseImage | None) -> str:
    """Return the bill as JSON text (CycloneDX 1.6), valid by the library's own schema.

    Raises
    ------
    ImageBuildError
        If what came out does not validate.
    """
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    model = Component(
        name=subject.model,
        version=str(subject.version),
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"model:{subject.model}@{subject.version}",
        hashes=_hashes(subject.artifact_sha256),
    )
    packages = [_package(wheel) for wheel in wheels]
    system = [] if base is None else _base(base)
    bom = Bom(components=[*packages, *system])
    bom.metadata.component = model
    bom.register_dependency(model, [*packages, *system[:1]])
    if system:
        bom.register_dependency(system[0], system[1:])
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise ImageBuildError(f"the SBOM is not valid: {str(problem)[:500]}", remedy="report this with the lock")
    return text


def _package(wheel: Wheel) -> Component:
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model.component import Component
    from packageurl import PackageURL

    license_text = license_of(wheel)
    return Component(
        name=wheel.package,
        version=wheel.version,
        bom_ref=f"pypi:{wheel.package}@{wheel.version}",
        purl=PackageURL("pypi", name=wheel.package, version=wheel.version),
        hashes=_hashes(wheel.sha256),
        licenses=[LicenseFactory().make_from_string(license_text)] if license_text else None,
    )


def _base(base: BaseImage) -> list[Component]:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    image = Component(
        name=base.reference,
        version=base.id,
        type=ComponentType.CONTAINER,
        bom_ref=f"base:{base.id}",
        hashes=_hashes(base.id),
    )
    return [image] + [
        Component(
            name=name,
            version=version,
            bom_ref=f"deb:{name}@{version}",
            purl=PackageURL("deb", "debian", name, version),
        )
        for name, version in base.packages
    ]


def _hashes(digest: str) -> list[HashType]:
    from cyclonedx.model import HashAlgorithm, HashType

    return [HashType(alg=HashAlgorithm.SHA_256, content=digest.removeprefix("sha256:"))]


def license_of(wheel: Wheel) -> str:
    """Return a wheel's licence as its metadata gives it in a few words; empty if it does not."""
    try:
        with zipfile.ZipFile(wheel.path) as archive:
            name = next((n for n in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)), None)
            text = archive.read(name).decode("utf-8", errors="replace") if name else ""
    except (OSError, zipfile.BadZipFile):
        return ""
    headers = HeaderParser().parsestr(text)
    said = str(headers.get("License-Expression") or headers.get("License") or "").strip()
    if said and "\n" not in said and len(said) <= _MAX_LICENSE:
        return said
    names = [c.rpartition(" :: ")[2] for c in headers.get_all("Classifier", []) if c.startswith("License :: ")]
    return ", ".join(names)[:_MAX_LICENSE]
