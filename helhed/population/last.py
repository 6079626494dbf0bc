"""The last days of those who die in hospital: admitted, treated, and then relieved."""

from helhed.population.facts import facts
from helhed.population.letters import discharge
from helhed.population.life import Life
from helhed.population.moments import danish, stamp
from helhed.population.resources import concept, condition, encounter, observation

_FACT = facts("acute")["last"]
_CODE = concept(_FACT["text"], ("SKS", *_FACT["code"]))


def last_days(life: Life) -> None:
    """An admission that ends with the death, for about as many as die in hospital."""
    person, rng = life.person, life.rng
    start = person.died - rng.randint(2, 9)
    if not person.died or life.age < _FACT["from_age"] or start <= person.born or life.is_away(start, person.died):
        return
    if rng.random() >= _FACT["share"]:
        return
    life.away.append((start, person.died))
    unit, minute = life.unit(_FACT["unit"]), 480 + 5 * rng.randint(0, 140)
    content = encounter("IMP", "Indlæggelse", (start, minute), (person.died, person.died_at), _CODE)
    content["serviceProvider"] = unit.reference
    content["hospitalization"] = {"dischargeDisposition": {"text": "Død"}}
    contact = life.write(unit, "Encounter", content)
    recorded = condition(_CODE, start, start, category="encounter-diagnosis")
    life.sign(recorded, unit)
    life.write(unit, "Condition", recorded, contact)
    values = {
        "spo2": rng.randint(*_FACT["spo2"]),
        "temperature": round(rng.uniform(38.2, 39.4), 1),
        "respiration": rng.randint(24, 32),
    }
    for key, value in values.items():
        life.measure(unit, observation(key, value, stamp(start, minute + 20)), contact)
    crp, laboratory = rng.randint(*_FACT["crp"]), life.unit("laboratory")
    life.measure(laboratory, observation("crp", crp, stamp(start, minute + 30)))
    story = _FACT["story"].format(spo2=values["spo2"], crp=crp, died=danish(person.died))
    stay = (start, person.died)
    discharge(life, unit, _FACT["text"], _FACT["code"][0], stay, min(1439, person.died_at + 30), [story], contact)
