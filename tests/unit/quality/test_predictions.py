import numpy as np
import pytest

from slipway.errors import CommandError
from slipway.quality.predictions import predict


def test_a_model_answers_in_a_process_of_its_own(make, toy):
    files = make.version(expression="frame['size'] / 100")
    answers = predict(files, files.holdout, toy.spec().to_signature())
    np.testing.assert_allclose(answers, toy.frame(400, seed=2)["size"] / 100)


FAULTS = {
    "crashes": ("1 / 0", 60, "ZeroDivisionError"),
    "kills its process": ("os._exit(9)", 60, "ended with 9"),
    "takes too long": ("time.sleep(60)", 8, "8 s and was killed"),
}


@pytest.mark.parametrize(("expression", "timeout_s", "said"), FAULTS.values(), ids=FAULTS)
def test_a_model_that_does_not_answer_is_named_with_the_reason(make, toy, expression, timeout_s, said):
    files = make.version(expression=expression)
    with pytest.raises(CommandError, match=r"toy_model version 1 .* could not answer") as caught:
        predict(files, files.holdout, toy.spec().to_signature(), timeout_s=timeout_s)
    assert said in str(caught.value)
