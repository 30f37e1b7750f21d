"""Which wheels fit which interpreter and machine."""

import pytest

from slipway.errors import ImageBuildError
from slipway.images.target import Target

FITS = {
    "pure": ("six-1.0-py2.py3-none-any.whl", True),
    "native": ("numpy-2.4.6-cp311-cp311-manylinux_2_28_x86_64.whl", True),
    "older libc": ("numpy-2.4.6-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True),
    "very old libc": ("x-1-cp311-cp311-manylinux1_x86_64.whl", True),
    "stable interface of an older Python": ("cryptography-50.0-cp38-abi3-manylinux_2_28_x86_64.whl", True),
    "newer libc": ("numpy-2.4.6-cp311-cp311-manylinux_2_34_x86_64.whl", False),
    "another Python": ("numpy-2.4.6-cp312-cp312-manylinux_2_28_x86_64.whl", False),
    "another machine": ("numpy-2.4.6-cp311-cp311-manylinux_2_28_aarch64.whl", False),
    "another system": ("numpy-2.4.6-cp311-cp311-win_amd64.whl", False),
    "another libc": ("numpy-2.4.6-cp311-cp311-musllinux_1_2_x86_64.whl", False),
    "no wheel": ("numpy-2.4.6.tar.gz", False),
}


@pytest.mark.parametrize(("name", "fits"), FITS.values(), ids=FITS)
def test_a_wheel_fits_or_does_not(name, fits):
    assert (Target("3.11", "amd64").rank(name) is not None) is fits


def test_a_native_wheel_fits_better_than_a_pure_one():
    target = Target("3.11", "x86_64")
    assert target.rank("a-1-cp311-cp311-manylinux_2_28_x86_64.whl") < target.rank("a-1-py3-none-any.whl")


def test_a_machine_has_one_name_whoever_names_it():
    assert Target("3.12", "arm64") == Target("3.12", "aarch64")
    assert str(Target("3.12", "arm64")) == "python 3.12 on aarch64-manylinux_2_28"


@pytest.mark.parametrize(("python", "machine"), [("2.7", "amd64"), ("3", "amd64"), ("3.11", "riscv64")])
def test_what_has_no_wheels_is_refused(python, machine):
    with pytest.raises(ImageBuildError):
        Target(python, machine)
