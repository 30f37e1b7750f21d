"""What somebody may do to an audit pack: each kind of tampering by its name, and what the verifier must say of it."""

import json

from slipway.governance.pack_rules import canonical, digest
from tests.unit.workflows.forged_pack import (
    ANCHOR,
    ENTRIES,
    a_name,
    entries_of,
    manifest_of,
    one,
    put_entries,
    rechain,
    remanifest,
)

CASES = {}


def case(named):
    def keep(tamper):
        CASES[tamper.__name__.replace("_", " ")] = (tamper, named)
        return tamper

    return keep


def forged(change):
    """Return a tampering that changes entries and hashes the whole chain anew, with nothing kept elsewhere."""

    def tamper(files):
        entries = entries_of(files)
        entries = change(entries) or entries
        rechain(files, entries)

    return tamper


@case("file reports/churn/v2/r2/evaluate/r.html: altered")
def a_report_is_altered(files):
    files["reports/churn/v2/r2/evaluate/r.html"] += b" "


@case("file reports/churn/v2/r2/evaluate/r.html: it is missing")
def a_report_is_missing(files):
    del files["reports/churn/v2/r2/evaluate/r.html"]


@case("file notes.txt: extra")
def a_file_is_added(files):
    files["notes.txt"] = b"all is well"


@case("file manifest.json: it is missing")
def the_manifest_is_missing(files):
    del files["manifest.json"]


@case("file manifest.json: altered")
def the_manifest_is_no_json(files):
    files["manifest.json"] = files["manifest.json"][:-1]


@case("file manifest.json: altered")
def the_manifest_is_written_otherwise(files):
    files["manifest.json"] = json.dumps(manifest_of(files)).encode()


@case("file verify.py: altered")
def the_program_is_altered(files):
    files["verify.py"] = b"print('The pack holds.')\n"


@case("file verify.py: it is missing, and from the manifest too")
def the_program_is_taken_out(files):
    del files["verify.py"]
    remanifest(files)


@case("file declarations/churn/model.yaml: altered")
def the_declaration_is_altered(files):
    files["declarations/churn/model.yaml"] += b"# nicer\n"


@case("file cards/churn/v2/card.md: altered")
def a_card_is_altered(files):
    files["cards/churn/v2/card.md"] += b"It is very good.\n"


@case("file reports/churn/v2/r2/evaluate/r.html: altered: ledger entry")
def a_report_is_altered_and_the_manifest_with_it(files):
    files["reports/churn/v2/r2/evaluate/r.html"] += b" "
    remanifest(files)


@case("file reports/churn/v2/r2/card.html: altered: ledger entry")
def the_card_that_the_approver_saw_is_altered_and_the_manifest_with_it(files):
    files["reports/churn/v2/r2/card.html"] += b" "
    remanifest(files)


@case("file reports/churn/v2/r2/load_test/r.html: missing: ledger entry")
def a_report_is_taken_out_of_the_manifest_too(files):
    del files["reports/churn/v2/r2/load_test/r.html"]
    remanifest(files)


@case("file reports/more.html: extra: no ledger entry")
def a_report_of_nothing_is_added(files):
    files["reports/more.html"] = b"better numbers"
    remanifest(files)


@case("file decisions/churn/v2/000099-approval.json: extra: no ledger entry")
def a_decision_of_nobody_is_added(files):
    files["decisions/churn/v2/000099-approval.json"] = b"{}"
    remanifest(files)


@case("file decisions/churn/v2/")
def a_decision_is_shown_otherwise(files):
    name = a_name(files, "decisions/churn/v2/", "-approval.json")
    files[name] = files[name].replace(b'"bob"', b'"eve"')
    remanifest(files)


@case("file evidence/churn/v2/")
def a_shown_evidence_is_taken_out(files):
    del files[a_name(files, "evidence/churn/v2/", "-evaluate.json")]
    remanifest(files)


@case(": extra: no ledger entry of the pack names it")
def the_scope_is_narrowed_to_hide_a_release(files):
    start = one(entries_of(files), "evidence", check="validate_data")["at"]
    remanifest(files, scope={**manifest_of(files)["scope"], "from": start})


@case("ledger entry 3: altered")
def an_entry_is_altered(files):
    entries = entries_of(files)
    entries[2]["actor"] = "eve"
    put_entries(files, entries)


@case("ledger entry 12: altered")
def an_entry_of_another_model_is_altered(files):
    entries = entries_of(files)
    assert entries[11]["model"] == "fraud"
    entries[11]["payload"]["reason"] = "yes"
    put_entries(files, entries)


@case("ledger entry 4: it follows")
def an_entry_is_altered_and_hashed_anew(files):
    entries = entries_of(files)
    entries[2]["actor"] = "eve"
    entries[2]["hash"] = digest(canonical({k: v for k, v in entries[2].items() if k != "hash"}))
    put_entries(files, entries)


@case("ledger entry 5: missing")
def an_entry_is_missing(files):
    put_entries(files, [e for e in entries_of(files) if e["seq"] != 5])


@case("ledger entry 1: missing")
def the_first_entry_is_missing(files):
    put_entries(files, entries_of(files)[1:])


@case("ledger entry 5: missing: entry 6 follows 4")
def two_entries_are_swapped(files):
    entries = entries_of(files)
    entries[4], entries[5] = entries[5], entries[4]
    put_entries(files, entries)


@case("ledger entry 5: altered")
def two_entries_are_swapped_and_renumbered(files):
    entries = entries_of(files)
    entries[4], entries[5] = entries[5] | {"seq": 5}, entries[4] | {"seq": 6}
    put_entries(files, entries)


@case("ledger entry 5: reordered: it comes after entry 5")
def an_entry_is_there_twice(files):
    entries = entries_of(files)
    put_entries(files, [*entries[:5], entries[4], *entries[5:]])


@case("truncated: the head is entry")
def the_end_is_cut_off(files):
    put_entries(files, entries_of(files)[:-2], head=False)


@case("truncated: the anchor in ledger/anchors/ledger.jsonl, line 1, knows entries up to")
def the_end_is_cut_off_and_the_head_moved(files):
    put_entries(files, entries_of(files)[:-2])


@case("file ledger/entries.jsonl: truncated")
def the_last_line_is_cut(files):
    files[ENTRIES] = files[ENTRIES][:-1]
    remanifest(files)


@case("file ledger/entries.jsonl, line 2: altered: it is not written as the ledger writes")
def a_line_is_written_otherwise(files):
    lines = files[ENTRIES].splitlines(keepends=True)
    lines[1] = json.dumps(json.loads(lines[1]), sort_keys=True).encode() + b"\n"
    files[ENTRIES] = b"".join(lines)
    remanifest(files)


@case("file ledger/entries.jsonl, line 2: altered: it is no JSON")
def a_value_is_no_number(files):
    files[ENTRIES] = files[ENTRIES].replace(b'"value":1.0', b'"value":NaN')
    lines = files[ENTRIES].splitlines(keepends=True)
    assert b"NaN" in lines[1]
    files[ENTRIES] = b"".join([lines[0].replace(b"NaN", b"1.0"), *lines[1:]])
    remanifest(files)


@case("ledger entry 3: rewritten: the anchor in ledger/anchors/ledger.jsonl, line 1,")
def history_is_written_anew_under_an_anchor(files):
    entries = entries_of(files)
    entries[2]["actor"] = "eve"
    rechain(files, entries, anchored=True)


@case("file ledger/anchors/ledger.jsonl, line 1: altered: it is no anchor")
def an_anchor_is_none(files):
    files[ANCHOR] = b'{"seq":"three"}\n'
    remanifest(files)


@case("ledger entry 4: altered: it is earlier than the entry before")
def an_entry_is_dated_back(files):
    entries = entries_of(files)
    entries[3]["at"] = "2000-01-01T00:00:00.000000+00:00"
    rechain(files, entries)


def says_passed(entries):
    one(entries, "evidence", check="load_test")["payload"]["measurements"][0]["value"] = 0.0


def too_few(entries):
    one(entries, "evidence", check="load_test")["payload"]["measurements"][0]["n_required"] = 10**6


def no_threshold(entries):
    one(entries, "evidence", check="load_test")["payload"]["measurements"][0]["threshold"] = None


def no_report(entries):
    one(entries, "evidence", check="load_test")["payload"]["reports"] = []


def no_image(entries):
    one(entries, "evidence", check="load_test")["payload"]["subject"]["image_digest"] = None


def no_load_test(entries):
    return [e for e in entries if e is not one(entries, "evidence", check="load_test")]


def failed_load_test(entries):
    one(entries, "evidence", check="load_test")["payload"]["outcome"] = "FAILED"


def other_options(entries):
    one(entries, "evidence", check="load_test")["payload"]["details"]["options"]["batch_rows"] = 7


def other_image(entries):
    one(entries, "promotion")["payload"]["subject"]["image_digest"] = "sha256:" + "e" * 64


def other_artifact(entries):
    one(entries, "promotion")["payload"]["subject"]["artifact_sha256"] = "sha256:" + "e" * 64


def other_version(entries):
    one(entries, "evidence", check="evaluate")["version"] = 1


def no_approval_entry(entries):
    return [e for e in entries if e is not one(entries, "approval")]


def no_approval_named(entries):
    promotion = one(entries, "promotion")["payload"]
    promotion.pop("approval", None)
    promotion.pop("approvals", None)


def other_approver(entries):
    one(entries, "approval")["actor"] = "eve"


def other_release_approved(entries):
    one(entries, "approval")["payload"]["release"] = "r1"


def other_bytes_approved(entries):
    one(entries, "approval")["payload"]["subject"]["image_digest"] = "sha256:" + "e" * 64


def rejected_after(entries):
    at = entries.index(one(entries, "promotion"))
    return [*entries[:at], {**json.loads(json.dumps(one(entries, "approval"))), "kind": "rejection"}, *entries[at:]]


def approved_twice_by_one(entries):
    promotion = one(entries, "promotion")["payload"]
    named = promotion.pop("approval", None) or promotion["approvals"][0]
    promotion["approvals"] = [named, named]


def never_promoted(entries):
    return [e for e in entries if e is not one(entries, "promotion")]


def rolled_back_to_a_stranger(entries):
    last = json.loads(json.dumps(entries[-1])) | {"kind": "rollback"}
    last["payload"]["subject"]["image_digest"] = "sha256:" + "e" * 64
    return [*entries, last]


def malformed(entries):
    del one(entries, "evidence", check="load_test")["payload"]["subject"]


for change, words in {
    says_passed: "(load_test): it says PASSED, and m does not say so",
    too_few: "(load_test): it says PASSED, and m does not say so",
    no_threshold: "(load_test): it says PASSED, and nothing does not say so",
    no_report: "(load_test): it PASSED without a report",
    no_image: "(load_test): it PASSED without an image",
    no_load_test: "(promotion): no load_test evidence on these bytes",
    failed_load_test: "(promotion): the newest load_test evidence on these bytes is FAILED",
    other_options: "(promotion): the load test drove other serving options",
    other_image: "(promotion): no build_image evidence on these bytes",
    other_artifact: "(promotion): no validate_data evidence on these bytes",
    other_version: "(evaluate): evidence on churn version 2 under another name",
    no_approval_entry: "is no approval of these bytes in this release by bob",
    no_approval_named: "(promotion): it names no approval",
    other_approver: "is no approval of these bytes in this release by bob",
    other_release_approved: "is no approval of these bytes in this release by bob",
    other_bytes_approved: "is no approval of these bytes in this release by bob",
    rejected_after: "rejected it after its approval",
    approved_twice_by_one: "(promotion): one person approved it twice",
    never_promoted: "(deployment): these bytes were never promoted",
    rolled_back_to_a_stranger: "(rollback): these bytes were never promoted",
    malformed: "it is malformed",
}.items():
    CASES[f"forged: {change.__name__.replace('_', ' ')}"] = (forged(change), words)
