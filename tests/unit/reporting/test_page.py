import pytest

from slipway.core.identity import Subject
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.reporting.page import card, page, tiles
from slipway.reporting.tables import chip, measurement_table, number, table

NASTY = "<script>alert('x')</script> & \"more\""
SUBJECT = Subject(
    model="tumor_malignancy", version=12, artifact_sha256="sha256:" + "a" * 64, image_digest="sha256:" + "b" * 64
)


def test_a_page_names_the_model_the_version_the_digests_and_the_verdict():
    whole = page("Load test", SUBJECT, [card("x")], outcome=Outcome.INCONCLUSIVE, lead="Look here.")
    assert "<title>Load test: tumor_malignancy version 12</title>" in whole
    assert "<h1>Load test: tumor_malignancy version 12 <span" in whole
    assert "aaaaaaaaaaaa" in whole
    assert "bbbbbbbbbbbb" in whole
    assert '"chip INCONCLUSIVE"' in whole
    assert '<p class="lead">Look here.</p>' in whole


def test_a_page_before_there_is_an_image_names_none():
    early = Subject(model=SUBJECT.model, version=12, artifact_sha256=SUBJECT.artifact_sha256)
    assert "image <code>" not in page("Data", early, [])


def test_a_page_needs_nothing_from_elsewhere():
    whole = page("t", SUBJECT, [], css=".own{}", script="let own = 1")
    assert ".own{}" in whole
    assert "<script>let own = 1</script>" in whole
    assert "http" not in whole
    assert "url(" not in whole


def test_text_cannot_become_markup():
    measured = Measurement(name=NASTY, value=1.0, threshold=1.0, bound=Bound.MAX, unit=NASTY, note=NASTY)
    parts = [card(NASTY, measurement_table([measured]), note=NASTY), tiles([(NASTY, NASTY)]), chip(NASTY)]
    assert "<script" not in page(NASTY, SUBJECT, [*parts, table((NASTY,), [])], lead=NASTY)


def test_measurements_that_stop_the_release_come_first():
    limit = {"threshold": 1.0, "bound": Bound.MAX}
    shown = measurement_table(
        [
            Measurement(name="recorded", value=1.0),
            Measurement(name="passed", value=1.0, **limit),
            Measurement(name="unsure", value=None, **limit),
            Measurement(name="failed", value=2.0, **limit),
        ]
    )
    places = [shown.index(f"<code>{name}</code>") for name in ("failed", "unsure", "passed", "recorded")]
    assert places == sorted(places)


def test_too_few_samples_say_how_many_are_needed():
    shown = measurement_table([Measurement(name="m", value=1.0, threshold=2.0, bound=Bound.MAX, n=7, n_required=1000)])
    assert "7 of 1,000 needed" in shown


NUMBERS = {
    "nothing": (None, "ms", "-"),
    "a count": (1234567, "rows", "1,234,567 rows"),
    "a whole float": (300.0, "ms", "300 ms"),
    "a large float": (12345.6, "1/s", "12,346 1/s"),
    "beyond all reason": (1e300, "1", "1e+300"),
    "a small float": (0.00001234567, "1", "1.235e-05"),
    "a negative": (-0.25, "1", "-0.25"),
    "a truth value": (True, "1", "True"),
    "text": ("reused", "1", "reused"),
}


@pytest.mark.parametrize(("value", "unit", "shown"), NUMBERS.values(), ids=NUMBERS)
def test_a_number_is_shown_as_a_person_reads_it(value, unit, shown):
    assert number(value, unit) == shown
