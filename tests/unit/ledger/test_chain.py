"""The chain's rules, on values."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.errors import IdentityError, LedgerBroken, LedgerError
from slipway.ledger.chain import GENESIS, START, canonical, entry_hash, seal, verify
from slipway.ledger.entries import Draft, EntryKind, Head

START_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def draft(**changes):
    base = {"kind": EntryKind.APPROVAL, "model": "churn", "version": 1, "actor": "ada", "payload": {"n": 1}}
    return Draft(**{**base, **changes})


def chain_of(count):
    entries, head = [], START
    for number in range(count):
        entry = seal(draft(payload={"n": number}), head=head, at=START_TIME + timedelta(seconds=number))
        entries.append(entry)
        head = Head(entry.seq, entry.hash)
    return entries


def test_a_whole_chain_holds_and_gives_its_head():
    entries = chain_of(5)
    assert verify(entries) == (5, (5, entries[-1].hash))
    assert entries[0].previous == GENESIS
    assert entries[3].previous == entries[2].hash


def test_an_empty_chain_holds():
    assert verify([]) == (0, (0, GENESIS))


def swapped(entries, a, b):
    """Two entries exchange their numbers, as an UPDATE of two seq columns would do."""
    changed = list(entries)
    changed[a], changed[b] = replace(entries[b], seq=entries[a].seq), replace(entries[a], seq=entries[b].seq)
    return changed


def resealed(entries, at, **changes):
    """One entry is altered and its own hash made right again."""
    bad = replace(entries[at], **changes)
    return [*entries[:at], replace(bad, hash=entry_hash(bad)), *entries[at + 1 :]]


BROKEN = {
    "payload_altered": (lambda e: [*e[:2], replace(e[2], payload={"n": 99}), *e[3:]], "entry 3 is broken: altered"),
    "actor_altered": (lambda e: [*e[:2], replace(e[2], actor="eve"), *e[3:]], "entry 3 is broken: altered"),
    "time_altered": (lambda e: [*e[:2], replace(e[2], at=START_TIME), *e[3:]], "entry 3 is broken: altered"),
    "altered_and_resealed": (lambda e: resealed(e, 2, actor="eve"), "entry 4 is broken: wrong previous"),
    "first_resealed_on_another_start": (
        lambda e: resealed(e, 0, previous="sha256:" + "1" * 64),
        "entry 1 is broken: wrong previous",
    ),
    "one_missing": (lambda e: [*e[:2], *e[3:]], "entry 3 is broken: gap"),
    "first_missing": (lambda e: e[1:], "entry 1 is broken: gap"),
    "numbers_of_two_swapped": (lambda e: swapped(e, 1, 4), "entry 2 is broken: reordered: it was written as entry 5"),
    "numbers_of_neighbours_swapped": (
        lambda e: swapped(e, 2, 3),
        "entry 3 is broken: reordered: it was written as entry 4",
    ),
    "out_of_order": (lambda e: [e[0], e[1], e[1], *e[2:]], "entry 2 is broken: reordered"),
    "payload_that_is_no_json": (
        lambda e: [*e[:2], replace(e[2], payload={"n": float("nan")}), *e[3:]],
        "entry 3 is broken: altered",
    ),
}


@pytest.mark.parametrize(("damage", "said"), BROKEN.values(), ids=BROKEN)
def test_the_first_broken_entry_is_named_with_what_is_wrong(damage, said):
    with pytest.raises(LedgerBroken, match=said):
        verify(damage(chain_of(6)))


def test_entries_cut_off_at_the_end_are_found_with_an_earlier_head():
    entries = chain_of(6)
    head = (6, entries[-1].hash)
    assert verify(entries[:4]).entries == 4
    with pytest.raises(LedgerBroken, match="entry 5 is broken: truncated: entries 5 to 6"):
        verify(entries[:4], expected_head=head)


def test_a_chain_rewritten_from_the_start_is_found_with_an_earlier_head():
    head = (4, chain_of(4)[-1].hash)
    forged = [seal(draft(actor="eve"), head=START, at=START_TIME)]
    for _ in range(5):
        forged.append(seal(draft(), head=Head(forged[-1].seq, forged[-1].hash), at=START_TIME))
    assert verify(forged).entries == 6
    with pytest.raises(LedgerBroken, match="entry 4 is broken: rewritten"):
        verify(forged, expected_head=head)


def test_a_chain_that_has_grown_still_holds_an_earlier_head():
    entries = chain_of(6)
    assert verify(entries, expected_head=(3, entries[2].hash)).entries == 6


def test_canonical_json_does_not_depend_on_the_order_of_keys():
    assert canonical({"b": [1, {"y": 0.1, "x": 2}], "a": None}) == b'{"a":null,"b":[1,{"x":2,"y":0.1}]}'


NOT_JSON = {
    "nan": float("nan"),
    "infinity": float("inf"),
    "nested_nan": {"a": [{"b": float("nan")}]},
    "key_not_text": {1: "one"},
    "nested_key_not_text": [{"a": {None: 1}}],
    "a_set": {"a": {1, 2}},
    "bytes": {"a": b"x"},
    "half_a_character": {"a": "\ud800"},
    "a_time": {"at": START_TIME},
}


@pytest.mark.parametrize("value", NOT_JSON.values(), ids=NOT_JSON)
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(LedgerError, match="cannot be written to the ledger"):
        canonical(value)


def test_a_structure_that_holds_itself_is_refused():
    loop = {}
    loop["self"] = loop
    with pytest.raises(LedgerError):
        canonical(loop)


TEXT = st.text('ab1é😀 "\\\n\0\u2028', max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)


@settings(deadline=None)
@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_a_payload_comes_back_as_it_was_hashed(payload):
    entry = seal(draft(payload=payload), head=START, at=START_TIME)
    again = replace(entry, payload=json.loads(canonical(entry.payload)))
    assert entry_hash(again) == entry.hash
    assert again.payload == payload


def test_a_read_only_mapping_is_a_payload():
    assert seal(draft(payload=MappingProxyType({"a": (1, 2)})), head=START, at=START_TIME).payload == {"a": [1, 2]}


BAD_DRAFTS = {
    "no_actor": ({"actor": " "}, LedgerError),
    "actor_with_nul": ({"actor": "a\0b"}, LedgerError),
    "version_zero": ({"version": 0}, LedgerError),
    "version_is_a_flag": ({"version": True}, LedgerError),
    "model_is_no_name": ({"model": "../churn"}, IdentityError),
}


@pytest.mark.parametrize(("changes", "error"), BAD_DRAFTS.values(), ids=BAD_DRAFTS)
def test_an_entry_about_nothing_or_by_nobody_is_refused(changes, error):
    with pytest.raises(error):
        draft(**changes)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(LedgerError, match="time zone"):
        seal(draft(), head=START, at=datetime(2026, 1, 1))
