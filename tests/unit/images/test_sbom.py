"""The bill of materials."""

import json
import zipfile

import pytest

from slipway.images.base import BaseImage
from slipway.images.sbom import license_of, make_sbom
from slipway.images.target import Target
from slipway.images.wheels import Wheel
from tests.unit.images.toy import digest, make_version, make_wheel

BASE = BaseImage(
    reference="slipway-base:bookworm",
    id="sha256:" + "c" * 64,
    size=1,
    target=Target("3.11", "amd64"),
    packages=(("libc6", "2.36-9+deb12u9"), ("python3", "3.11.2-1+b1")),
)


def a_wheel(folder, name="tiny_core"):
    path = make_wheel(folder, name)
    return Wheel(name.replace("_", "-"), "1.0", path, digest(path))


def test_it_names_the_model_each_package_and_what_the_base_holds(tmp_path):
    files, wheel = make_version(tmp_path / "v"), a_wheel(tmp_path)
    bill = json.loads(make_sbom(files.subject, [wheel], BASE))
    model = bill["metadata"]["component"]
    assert (model["name"], model["version"], model["type"]) == ("churn", "1", "machine-learning-model")
    by_name = {c["name"]: c for c in bill["components"]}
    assert set(by_name) == {"tiny-core", "slipway-base:bookworm", "libc6", "python3"}
    package = by_name["tiny-core"]
    assert package["purl"] == "pkg:pypi/tiny-core@1.0"
    assert package["hashes"] == [{"alg": "SHA-256", "content": wheel.sha256[7:]}]
    assert package["licenses"] == [{"license": {"id": "MIT"}}]
    assert by_name["libc6"]["purl"].startswith("pkg:deb/debian/libc6@2.36")


def test_without_a_container_there_is_no_base(tmp_path):
    bill = json.loads(make_sbom(make_version(tmp_path / "v").subject, [a_wheel(tmp_path)], None))
    assert [c["name"] for c in bill["components"]] == ["tiny-core"]


CLASSIFIER = "Classifier: License :: OSI Approved"
LICENSES = {
    "expression": ("License-Expression: BSD-3-Clause", "BSD-3-Clause"),
    "plain": ("License: Apache 2.0", "Apache 2.0"),
    "whole text": (f"License: {'Permission is hereby granted ' * 9}\n{CLASSIFIER} :: MIT License", "MIT License"),
    "classifier": (f"{CLASSIFIER} :: BSD License", "BSD License"),
    "none": ("Summary: x", ""),
}  # fmt: skip


@pytest.mark.parametrize(("metadata", "expected"), LICENSES.values(), ids=LICENSES)
def test_a_licence_is_what_the_wheel_says_in_a_few_words(tmp_path, metadata, expected):
    path = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x-1.dist-info/METADATA", f"Name: x\n{metadata}\n")
    assert license_of(Wheel("x", "1", path, "")) == expected


def test_a_damaged_wheel_has_no_licence(tmp_path):
    (tmp_path / "x.whl").write_bytes(b"no zip")
    assert license_of(Wheel("x", "1", tmp_path / "x.whl", "")) == ""
