"""A block of a hundred neighbours: ages as in the nation, then couples and families among them."""

from dataclasses import dataclass, field
from random import Random

from helhed.population.country import Country, Neighbourhood, Unit
from helhed.population.facts import facts, step
from helhed.population.moments import TODAY, YEAR, year_of
from helhed.population.numbers import check_block, cpr_number, may_be_born

BLOCK = 100
ADULT = 18
_FACTS = facts("people")
_NAMES = _FACTS["names"]
_BAND = 5


@dataclass(slots=True, eq=False)
class Person:
    """Somebody, before anything has happened to them."""

    number: int
    sex: str
    born: int
    cpr: str
    clinic: Unit
    died: int = 0  #: 0 while alive
    given: str = ""
    family: str = ""
    foreign: bool = False
    partner: "Person | None" = None
    mother: "Person | None" = None
    father: "Person | None" = None
    children: "list[Person]" = field(default_factory=list)
    address: str = ""  #: "Skolevej 12, 8000 Aarhus C"
    moved: tuple[str, int] | None = None  #: where they lived before, and until when
    protected: bool = False
    in_care_home: bool = False

    @property
    def name(self) -> str:
        """Everybody's middle name is Test."""
        return f"{self.given} Test {self.family}"

    @property
    def died_at(self) -> int:
        """The minute of the day of death."""
        return 60 * (self.number % 24) + 15

    @property
    def end(self) -> int:
        """The last day anything can happen: today, or the day of death."""
        return self.died or TODAY

    def age_at(self, day: int) -> float:
        """Age in years."""
        return (day - self.born) / YEAR


@dataclass(slots=True)
class Block:
    """Neighbours, and their surroundings."""

    number: int
    home: Neighbourhood
    people: list[Person]


def home_of(seed: int, number: int, country: Country) -> Neighbourhood:
    """The surroundings of a block, without drawing its people."""
    return country.neighbourhood(Random(f"{seed}/{number}"))


def draw_block(seed: int, number: int, country: Country) -> Block:
    """The block with this number: always the same people. Raises BadRequest beyond the last."""
    check_block(number)
    rng = Random(f"{seed}/{number}")
    home = country.neighbourhood(rng)
    taken: set[tuple[int, str]] = set()
    people = [_person(rng, number, index, home, taken) for index in range(BLOCK)]
    _pair(rng, people)
    _give_parents(rng, people)
    _name(rng, people)
    _house(rng, people, home)
    return Block(number, home, people)


def _person(rng: Random, block: int, index: int, home: Neighbourhood, taken: set[tuple[int, str]]) -> Person:
    died = 0
    if rng.random() < _FACTS["dead_share"]:
        died = TODAY - rng.randint(1, _FACTS["dead_within_days"])
    while True:
        sex, born = _dead(rng, died) if died else _living(rng)
        born -= next(back for back in range(80) if may_be_born(born - back, block))
        if (born, sex) not in taken and (not died or born < died - 2):
            break
    taken.add((born, sex))
    cpr = cpr_number(born, sex, block)
    return Person(block * BLOCK + index, sex, born, cpr, home.clinics[rng.randrange(len(home.clinics))], died)


def _living(rng: Random) -> tuple[str, int]:
    bands = _FACTS["ages"]
    start, _, women = rng.choices(bands, [share for _, share, _ in bands])[0]
    return ("female" if rng.random() < women else "male"), TODAY - int((start + rng.random() * _BAND) * YEAR) - 1


def _dead(rng: Random, died: int) -> tuple[str, int]:
    bands = _FACTS["death_ages"]
    index = rng.choices(range(len(bands)), [share for _, share in bands])[0]
    start = bands[index][0]
    end = bands[index + 1][0] if index + 1 < len(bands) else start + 8
    return rng.choice(("female", "male")), died - int(rng.uniform(start, end) * YEAR) - 1


def _pair(rng: Random, people: list[Person]) -> None:
    """Couples of about the same age; one of them may have died."""
    women = [one for one in people if one.sex == "female" and one.age_at(TODAY) >= 20]
    men = sorted((one for one in people if one.sex == "male" and one.age_at(TODAY) >= 20), key=lambda one: one.born)
    for woman in women:
        if rng.random() >= step(_FACTS["couple_share"], woman.age_at(TODAY)) * 1.15:
            continue
        wanted = woman.born - rng.gauss(2, 3) * YEAR
        free = [man for man in men if man.partner is None and abs(man.born - wanted) < 6 * YEAR]
        if free:
            man = min(free, key=lambda one: abs(one.born - wanted))
            woman.partner, man.partner = man, woman


def _give_parents(rng: Random, people: list[Person]) -> None:
    """Each child a mother who was 20 to 42 at the birth, and her partner; else a father alone."""
    for child in sorted((one for one in people if one.age_at(TODAY) < ADULT), key=lambda one: one.born):
        mothers = [one for one in people if one.sex == "female" and _can_parent(one, child, 42)]
        if mothers:
            mother = rng.choices(mothers, [_likely(one) for one in mothers])[0]
            _join(child, mother, mother.partner)
            continue
        fathers = [one for one in people if one.sex == "male" and one.partner is None and _can_parent(one, child, 50)]
        if fathers:
            _join(child, None, rng.choice(fathers))


def _likely(mother: Person) -> float:
    return (3.0 if mother.partner else 1.0) / (1 + 2 * max(0, len(mother.children) - 1))


def _can_parent(parent: Person, child: Person, oldest: int) -> bool:
    age = parent.age_at(child.born)
    apart = all(abs(other.born - child.born) > 400 for other in parent.children)
    return 20 <= age <= oldest and apart and len(parent.children) < 4 and not parent.died


def _join(child: Person, mother: Person | None, father: Person | None) -> None:
    if father is not None and father.age_at(child.born) >= 18 and not father.died:
        child.father = father
        father.children.append(child)
    if mother is not None:
        child.mother = mother
        mother.children.append(child)


def _name(rng: Random, people: list[Person]) -> None:
    for one in sorted(people, key=lambda one: one.born):
        parent = one.father or one.mother
        spouse = one.partner if one.partner is not None and one.partner.family else None
        one.foreign = (parent or spouse).foreign if (parent or spouse) else rng.random() < _FACTS["foreign_share"]  # type: ignore[union-attr]
        prefix = "foreign_" if one.foreign else ""
        if parent is not None:
            one.family = parent.family
        elif spouse is not None and rng.random() < 0.6:
            one.family = spouse.family
        else:
            one.family = rng.choice(_NAMES[prefix + "family"])
        one.given = rng.choice(_NAMES[prefix + one.sex]) if one.foreign else _given(rng, one)


def _given(rng: Random, one: Person) -> str:
    year = year_of(one.born)
    names = next(names for until, names in _NAMES[one.sex] if year < until)
    siblings = {child.given for parent in (one.mother, one.father) if parent for child in parent.children}
    return str(rng.choice([name for name in names if name not in siblings]))


def _house(rng: Random, people: list[Person], home: Neighbourhood) -> None:
    """One address for each household: partners, and children with their mother, else their father."""
    for one in sorted(people, key=lambda one: one.born):
        lives_with = one.mother or one.father if one.age_at(TODAY) < ADULT else one.partner
        if lives_with is not None and lives_with.address and not lives_with.in_care_home:
            one.address, one.moved, one.protected = lives_with.address, _together(one, lives_with), lives_with.protected
            continue
        one.in_care_home = rng.random() < step(_FACTS["care_home_share"], one.age_at(one.end))
        street = "Solbakken 1" if one.in_care_home else f"{rng.choice(_FACTS['streets'])} {rng.randint(1, 140)}"
        one.address = f"{street}, {home.post_code} {home.town}"
        one.protected = rng.random() < _FACTS["protected_share"]
        if rng.random() < _FACTS["moved_share"]:
            one.moved = _moved(rng, one, home)


def _together(one: Person, other: Person) -> tuple[str, int] | None:
    return other.moved if other.moved is not None and other.moved[1] > one.born + 30 else None


def _moved(rng: Random, one: Person, home: Neighbourhood) -> tuple[str, int] | None:
    when = one.end - rng.randint(60, 1500)
    if when < one.born + 30:
        return None
    street = f"{rng.choice(_FACTS['streets'])} {rng.randint(1, 140)}"
    post_code, town = (home.post_code, home.town) if rng.random() < 0.6 or not home.elsewhere else home.elsewhere[0][:2]
    return f"{street}, {post_code} {town}", when
