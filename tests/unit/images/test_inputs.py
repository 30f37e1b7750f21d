"""What a build takes from the checkout is kept whole, and nothing else is taken for it."""

import io
import zipfile

import pytest

from slipway.errors import EvidenceError
from slipway.images.inputs import current_inputs, pack_inputs, unpack_inputs


@pytest.fixture
def inputs(tmp_path):
    for name in ("Dockerfile", "Dockerfile.runtime", "notes.txt"):
        (tmp_path / name).write_text(name)
    return current_inputs({"model": "churn", "p": 0.1}, tmp_path)


def test_they_are_kept_and_read_again(inputs):
    assert unpack_inputs(pack_inputs(inputs)) == inputs
    assert pack_inputs(inputs) == pack_inputs(inputs)
    assert set(inputs.recipes) == {"Dockerfile", "Dockerfile.runtime"}
    assert "serving/__main__.py" in inputs.program


def test_they_are_written_where_a_context_has_them(inputs, tmp_path):
    inputs.write_program(tmp_path / "context")
    inputs.write_recipes(tmp_path / "recipes")
    assert (tmp_path / "context" / "app" / "slipway" / "serving" / "__main__.py").is_file()
    assert (tmp_path / "recipes" / "Dockerfile").read_text() == "Dockerfile"


def test_what_is_no_such_archive_is_refused(inputs):
    whole = pack_inputs(inputs)
    with pytest.raises(EvidenceError, match="cannot be read"):
        unpack_inputs(whole[: len(whole) // 2])


def test_a_name_that_leads_elsewhere_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("serving.json", "{}")
        archive.writestr("app/slipway/../../../etc/passwd", "x")
    with pytest.raises(EvidenceError, match="names app/slipway"):
        unpack_inputs(out.getvalue())
