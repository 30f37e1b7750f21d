import pytest

from slipway.errors import GateConfigurationError, SpecError
from slipway.quality.contract import contract_violations, load_contract


def changed(contract, name, **changes):
    return {"schema": [{**c, **changes} if c["name"] == name else c for c in contract["schema"]]}


@pytest.fixture
def judge(make, toy):
    def judged(contract):
        frame = toy.frame(60, seed=1)
        promises = load_contract(make.suite(contract=contract))
        return [v.sentence() for v in contract_violations(frame, promises, toy.spec())]

    return judged


def test_a_snapshot_that_keeps_the_contract_has_no_violation(judge, toy):
    assert judge(toy.CONTRACT) == []


def test_a_change_of_unit_between_contract_and_signature_is_a_violation(judge, toy):
    assert judge(changed(toy.CONTRACT, "size", unit="cm")) == ["size: the contract says unit 'cm', the signature 'mm'"]


def test_a_column_of_another_type_is_a_violation(judge, toy):
    assert judge(changed(toy.CONTRACT, "size", type="string"))[0].startswith("size: not a string in 60 rows")


def test_an_input_that_nobody_promises_is_a_violation(judge, toy):
    fewer = {"schema": [c for c in toy.CONTRACT["schema"] if c["name"] != "weight"]}
    assert judge(fewer) == ["weight: the contract does not promise this column"]


def test_a_promised_column_may_be_absent_only_where_it_is_not_required(judge, toy):
    more = {"schema": [*toy.CONTRACT["schema"], {"name": "site", "type": "string"}]}
    assert judge(more) == ["site: the column is absent"]
    assert judge(changed(more, "site", required=False)) == []


REFUSED = {
    "no schema": ({"owner": "x"}, "promises no column"),
    "an empty schema": ({"schema": []}, "promises no column"),
    "an unknown type": ({"schema": [{"name": "a", "type": "blob"}]}, "'blob'"),
    "no name": ({"schema": [{"type": "int"}]}, "has type"),
    "a range upside down": ({"schema": [{"name": "a", "type": "int", "min": 3, "max": 1}]}, "not below"),
}


@pytest.mark.parametrize(("contract", "said"), REFUSED.values(), ids=REFUSED)
def test_a_contract_that_promises_nothing_is_refused(make, contract, said):
    with pytest.raises(GateConfigurationError, match=said):
        load_contract(make.suite(contract=contract))


def test_a_missing_contract_is_refused(tmp_path):
    with pytest.raises(SpecError, match="is missing"):
        load_contract(tmp_path)
