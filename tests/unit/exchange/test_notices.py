"""What is sent of a stay keeps to MedCom's own profile, whatever happened."""

from uuid import UUID, uuid4

import pytest

from helhed.exchange.messages.notices import Party, Stay, header_of, notice
from helhed.exchange.messages.stays import Phase, State, Told, steps
from helhed.fhir.validation import validate
from tests.support.published import ABSENT, FOLDER, profiles
from tests.support.world import NOW
from tests.unit.exchange.letters import NUMBER
from tests.unit.exchange.test_stays import AWAY, BACK_AGAIN, DIED, GONE, HOME, IN, START

pytestmark = [pytest.mark.external, pytest.mark.skipif(not FOLDER.exists(), reason=ABSENT)]
WARD = Party(1, uuid4(), "Medicinsk", "1000016000001", "5790000120000")
CARE = Party(2, uuid4(), "Hjemmepleje", "1000016000002", "5790000121212")


@pytest.mark.parametrize(
    "course",
    [[IN, AWAY, BACK_AGAIN, HOME, IN, GONE], [IN, AWAY, DIED, IN, AWAY, GONE], [State(Phase.IN, "EMER", START), IN, State(Phase.IN, "EMER", START)]],
    ids=["home", "died", "emergency"],
)  # fmt: skip
def test_every_notice_of_a_stay_validates_by_medcoms_profile(course):
    stay = Stay(UUID(int=7), NUMBER, "Elmer Test", "1000016000001")
    told: list[Told] = []
    for number, state in enumerate(course):
        for place, step in enumerate(steps(told, state)):
            header = header_of(number, stay.id, CARE.id, place)
            bundle = notice(stay, (WARD, CARE), header, step, told, NOW)
            assert bundle == notice(stay, (WARD, CARE), header, step, told, NOW)
            assert validate(bundle) == []
            wrong = [one for one in profiles().validate(bundle) if one.severity == "error"]
            assert [(one.expression, one.diagnostics) for one in wrong] == [], step.activity
            told.append(Told(header, step.activity, NOW, step.state))
    assert told
