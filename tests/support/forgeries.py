"""Honest exports, and forged ones with the word for what is wrong: ``python -m tests.support.forgeries`` writes the vectors.

A forger here is whoever runs the log: they have its keys, and everything but the keys of the witnesses.
"""

import copy
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.small_log import (
    ANE,
    BO,
    DAY,
    LOG_KEYS,
    WITNESSES,
    SmallLog,
    canonical,
    cosignature,
    honest,
    public_of,
    told,
)

FOLDER = Path(__file__).parent.parent / "vectors" / "log"
TRUSTED = [public_of(secret) for secret in WITNESSES.values()]
_YEARS = 5 * 365 * DAY + 2 * DAY


class Vector(NamedTuple):
    """An export, what is trusted, and what is found: a word, or nothing when it is whole."""

    name: str
    word: str | None
    export: Any
    trusted: dict[str, Any]


def vectors() -> Iterator[Vector]:
    """All of them."""
    for name, make in _HONEST.items():
        yield Vector(name, None, *make())
    for (name, word), forge in _FORGED.items():
        export, trusted = _base()
        yield Vector(name, word, *_forged(forge, export, trusted))


def _forged(forge: Callable[..., Any], export: Any, trusted: Any) -> tuple[Any, Any]:
    made = forge(export, trusted)
    return (export, trusted) if made is None else made


def _trusted(log: SmallLog, *citizens: int) -> dict[str, Any]:
    return {"witnesses": TRUSTED, "log": log.log.hex(), "citizens": [str(one) for one in citizens], "earlier": None}


def _base() -> tuple[dict[str, Any], dict[str, Any]]:
    log = honest()
    return log.export(ANE), _trusted(log, ANE)


# --- honest -----------------------------------------------------------------------------------------------------------


def _rotated() -> tuple[Any, Any]:
    log = honest()
    log.keys = 2
    log.add(ANE)
    log.sign()
    return log.export(ANE), _trusted(log, ANE)


def _followed() -> tuple[Any, Any]:
    log = honest()
    log.sign()
    log.sign()
    return log.export(ANE, later=2), _trusted(log, ANE)


def _two_keys() -> tuple[Any, Any]:
    log = honest()
    return log.export(ANE, BO), _trusted(log, ANE, BO)


def _nobody_trusted() -> tuple[Any, Any]:
    return _base()[0], {"witnesses": [], "log": None, "citizens": [], "earlier": None}


def _goes_on() -> tuple[Any, Any]:
    log = honest()
    earlier = canonical(log.export(ANE))
    log.add(BO)
    log.add(ANE)
    log.sign()
    return log.export(ANE), {**_trusted(log, ANE), "earlier": earlier}


def _aged() -> tuple[Any, Any]:
    """Two rows are gone after five years; others came since."""
    log = honest()
    old = log.heads[-1]
    log.add(ANE)
    log.sign(at=old.at + _YEARS)
    export = log.export(ANE)
    for event in export["events"][:2]:
        _gone(log, event)
    export["expired"] = {
        "head": told(old),
        "cosignatures": [cosignature(old, log.log.hex(), "region.demo")],
        "consistency": [one.hex() for one in log.tree().consistency(old.size)],
    }
    return export, _trusted(log, ANE)


def _gone(log: SmallLog, event: dict[str, Any]) -> None:
    del event["event"], event["open"]
    event["leaf"] = log.leaves[event["position"]].hex()


_HONEST: dict[str, Callable[[], tuple[Any, Any]]] = {
    "whole": _base, "after a change of keys": _rotated, "witnessed by a later head": _followed, "a citizen with two keys": _two_keys,
    "nobody is trusted": _nobody_trusted, "goes on from an earlier export": _goes_on, "rows gone by their age": _aged,
}  # fmt: skip


# --- forged -----------------------------------------------------------------------------------------------------------


def _edited(export: Any, _: Any) -> None:
    event = export["events"][2]
    event["event"] = event["event"].replace('"action":1', '"action":2')


def _edited_and_rehashed(export: Any, _: Any) -> Any:
    """The owner of the database edits a row, and signs a new tree in which it always was so."""
    log = honest(lambda made: _rewrite(made, 2))
    return log.export(ANE, witnesses=()) | {"cosignatures": export["cosignatures"]}, _trusted(log, ANE)


def _rewrite(log: SmallLog, position: int) -> None:
    log.events[position] = log.events[position].replace('"permitted":true', '"permitted":false')
    log.leaves[position] = hashlib.sha256(b"\x00" + log.events[position].encode()).digest()


def _left_out(export: Any, _: Any) -> None:
    gone = export["events"].pop(1)["position"]
    export["chains"][0]["positions"].remove(gone)


def _left_out_of_events(export: Any, _: Any) -> None:
    export["events"].pop(1)


def _row_gone(export: Any, _: Any) -> None:
    _gone(honest(), export["events"][1])


def _truncated(export: Any, _: Any) -> None:
    export["events"].pop()
    export["chains"][0]["positions"].pop()


def _tail_taken_back(export: Any, _: Any) -> Any:
    """An earlier export had an event that the chain has no longer, in a head that is signed by all."""
    log = honest()
    log.named[11] = ()
    log.sign()
    return log.export(ANE), {**_trusted(log, ANE), "earlier": canonical(export)}


def _chain_reordered(export: Any, _: Any) -> None:
    positions = export["chains"][0]["positions"]
    positions[0], positions[1] = positions[1], positions[0]


def _events_reordered(export: Any, _: Any) -> None:
    events = export["events"]
    events[0], events[1] = events[1], events[0]


def _moved(export: Any, _: Any) -> None:
    """Two events change places, with all that belongs to the places left."""
    first, second = export["events"][0], export["events"][1]
    for name in ("event", "open"):
        first[name], second[name] = second[name], first[name]


def _foreign_event(export: Any, _: Any) -> None:
    other = honest().export(BO)["events"][-1]
    export["events"].append(other)
    export["chains"][0]["positions"].append(other["position"])


def _foreign_event_closed(export: Any, _: Any) -> None:
    other = honest().export(BO)["events"][-1]
    del other["open"]["citizens"]
    export["events"].append(other)
    export["chains"][0]["positions"].append(other["position"])


def _in_no_chain(export: Any, _: Any) -> None:
    export["events"].append(honest().export(BO)["events"][-1])


def _other_log(_: Any, trusted: Any) -> None:
    trusted["log"] = hashlib.sha256(b"another").hexdigest()


def _relabelled_log(export: Any, trusted: Any) -> None:
    trusted["log"] = export["log"] = hashlib.sha256(b"another").hexdigest()


def _head_of_another_log(export: Any, _: Any) -> Any:
    other = honest()
    other.log = hashlib.sha256(b"another").digest()
    other.heads.clear()
    export["head"] = told(other.sign())


def _resized(export: Any, _: Any) -> None:
    export["head"]["body"] = export["head"]["body"].replace('"size":13', '"size":12')


def _resized_and_signed(export: Any, trusted: Any) -> Any:
    log = honest()
    log.heads.pop()
    log.sign(size=20)
    return log.export(ANE), trusted


def _forked(export: Any, trusted: Any) -> Any:
    """Another history for one citizen, under the signatures that witnesses gave to the other."""
    log = honest(lambda made: made.named.__setitem__(10, (ANE,)))
    return {**log.export(ANE, witnesses=()), "cosignatures": export["cosignatures"]}, trusted


def _forked_line(export: Any, trusted: Any) -> Any:
    """A head that does not lead to the witnessed one."""
    log, other = honest(), honest(lambda made: made.add(ANE))
    log.sign()
    whole = log.export(ANE, later=1)
    other.add(BO)
    return {**other.export(ANE, witnesses=()), "later": whole["later"], "cosignatures": whole["cosignatures"]}, trusted


def _forked_map_before_the_witnessed_head(_: Any, trusted: Any) -> Any:
    """Of the same size and at the same time: only what it names as its predecessor tells."""
    log, other = honest(), honest(lambda made: made.named.__setitem__(10, (ANE,)))
    log.sign()
    whole = log.export(ANE, later=1)
    return {**other.export(ANE, witnesses=()), "later": whole["later"], "cosignatures": whole["cosignatures"]}, trusted


def _chain_no_longer_told(_: Any, trusted: Any) -> Any:
    """Every event is there, and one of two chains that counted them is not."""
    log = honest(lambda made: made.named.__setitem__(12, ()))
    earlier = canonical(log.export(ANE, BO))
    return log.export(ANE), {**trusted, "earlier": earlier}


def _line_with_a_gap(export: Any, trusted: Any) -> Any:
    log = honest()
    log.sign()
    log.sign()
    whole = log.export(ANE, later=2)
    del whole["later"][0]
    return whole, trusted


def _line_back_in_time(export: Any, trusted: Any) -> Any:
    log = honest()
    log.sign(at=log.heads[-1].at - 1)
    return log.export(ANE, later=1), trusted


def _smaller_again(export: Any, trusted: Any) -> Any:
    log = honest()
    log.sign(size=5)
    return log.export(ANE, later=1), trusted


def _forged_inclusion(export: Any, _: Any) -> None:
    export["events"][3]["path"][1] = hashlib.sha256(b"sibling").hexdigest()


def _short_inclusion(export: Any, _: Any) -> None:
    export["events"][3]["path"].pop()


def _long_inclusion(export: Any, _: Any) -> None:
    export["events"][3]["path"].append("00" * 32)


def _other_position(export: Any, _: Any) -> None:
    event = export["events"][0]
    event["position"] = 0
    export["chains"][0]["positions"][0] = 0


def _forged_map_path(export: Any, _: Any) -> None:
    export["chains"][0]["path"][-1] = hashlib.sha256(b"sibling").hexdigest()


def _no_witness(export: Any, _: Any) -> None:
    export["cosignatures"] = []


def _wrong_witness(export: Any, _: Any) -> None:
    log = honest()
    export["cosignatures"] = [cosignature(log.heads[-1], log.log.hex(), "region.demo", b"x" * 32)]


def _forged_cosignature(export: Any, _: Any) -> None:
    export["cosignatures"][0]["signature"] = "00" * 64


def _cosignature_of_an_earlier_head(export: Any, _: Any) -> None:
    log = honest()
    export["cosignatures"] = [cosignature(log.heads[0], log.log.hex(), "region.demo")]


def _cosignature_given_to_another_head(export: Any, _: Any) -> None:
    log = honest()
    export["cosignatures"] = [{**cosignature(log.heads[0], log.log.hex(), "region.demo"), "head": 2}]


def _stale(export: Any, _: Any) -> None:
    export["made"] += 3600 * 1_000_000


def _stale_head(export: Any, trusted: Any) -> Any:
    """The first head again, with all that it proved, instead of the newest."""
    log = honest()
    log.heads.pop()
    for part in (log.events, log.opens, log.named, log.leaves):
        del part[9:]
    return log.export(ANE) | {"made": export["made"] + 3600 * 1_000_000}, trusted


def _somebody_else(_: Any, trusted: Any) -> Any:
    return honest().export(BO), trusted


def _somebody_elses_chain(_: Any, trusted: Any) -> Any:
    export = honest().export(BO)
    export["chains"][0]["citizen"] = str(ANE)
    return export, trusted


def _closed_chain_of_somebody_else(_: Any, trusted: Any) -> Any:
    export = honest().export(BO)
    export["chains"][0]["citizen"] = str(ANE)
    for event in export["events"]:
        del event["open"]["citizens"]
    return export, trusted


def _one_key_hidden(_: Any, trusted: Any) -> None:
    trusted["citizens"].append(str(BO))


def _other_opening(export: Any, _: Any) -> None:
    export["events"][0]["open"]["actor"]["value"] = '"4711"'


def _other_salt(export: Any, _: Any) -> None:
    export["events"][0]["open"]["actor"]["salt"] = "00" * 16


def _opens_what_is_not_there(export: Any, _: Any) -> None:
    export["events"][0]["open"]["principal"] = export["events"][0]["open"]["actor"]


def _opening_not_canonical(export: Any, _: Any) -> None:
    export["events"][0]["open"]["citizens"]["value"] = f'[ "{ANE}"]'


def _not_canonical(export: Any, _: Any) -> None:
    event = export["events"][0]
    event["event"] = event["event"].replace('{"action"', '{ "action"')


def _name_twice(export: Any, _: Any) -> None:
    event = export["events"][0]
    event["event"] = event["event"].replace('{"action":1', '{"action":2,"action":1')


def _fraction(export: Any, _: Any) -> None:
    event = export["events"][0]
    event["event"] = event["event"].replace('"action":1', '"action":1.5')


def _null(export: Any, _: Any) -> None:
    event = export["events"][0]
    event["event"] = event["event"].replace('"action":1', '"action":null')


def _not_an_event(export: Any, _: Any) -> None:
    export["events"][0]["event"] = '{"v":1}'


def _key_without_consent(export: Any, _: Any) -> None:
    stranger = {"number": 2, "public": public_of(b"s" * 32), "endorser": 1, "endorsement": "00" * 64}
    export["keys"].append(stranger)


def _key_consents_to_itself(export: Any, _: Any) -> None:
    export["keys"].append({"number": 2, "public": public_of(LOG_KEYS[1]), "endorser": 2, "endorsement": "00" * 64})


def _unknown_key(export: Any, _: Any) -> Any:
    export, trusted = _rotated()
    export["keys"].pop()
    return export, trusted


def _head_unsigned(export: Any, _: Any) -> None:
    export["head"]["signature"] = ""


def _gone_young(export: Any, trusted: Any) -> Any:
    export, trusted = _aged()
    log = honest()
    old = log.heads[-1]
    log.add(ANE)
    log.sign(at=old.at + _YEARS - 60 * DAY)
    _gone_by(export, log)
    return export, trusted


def _gone_by(export: Any, log: SmallLog) -> None:
    export["head"] = told(log.heads[-1])
    export["made"] = log.heads[-1].at
    export["cosignatures"] = [cosignature(log.heads[-1], log.log.hex(), name) for name in WITNESSES]


def _gone_after_the_old_head(*_: Any) -> Any:
    export, trusted = _aged()
    log = honest()
    log.add(ANE)
    _gone(log, export["events"][-1])
    return export, trusted


def _gone_by_an_unwitnessed_head(*_: Any) -> Any:
    """The log alone says how old they are."""
    export, trusted = _aged()
    export["expired"]["cosignatures"] = []
    return export, trusted


def _gone_by_a_backdated_head(*_: Any) -> Any:
    export, trusted = _aged()
    log = honest()
    head = log.sign(at=log.heads[-1].at - DAY)
    export["expired"]["head"] = told(head)
    return export, trusted


def _gone_by_a_head_signed_lately(*_: Any) -> Any:
    """The log made the old head today, with a time of five years ago; a witness signed it today."""
    export, trusted = _aged()
    log = honest()
    today = export["made"]
    export["expired"]["cosignatures"] = [cosignature(log.heads[-1], log.log.hex(), "region.demo", at=today)]
    return export, trusted


def _gone_by_a_head_of_the_future(*_: Any) -> Any:
    """The log says that five years have passed; its witnesses signed that a day after the old head."""
    export, trusted = _aged()
    log = honest()
    tomorrow = log.heads[-1].at + DAY
    log.add(ANE)
    head = log.sign(at=log.heads[-1].at + _YEARS)
    export["cosignatures"] = [cosignature(head, log.log.hex(), name, at=tomorrow) for name in WITNESSES]
    return export, trusted


def _forged_consistency(*_: Any) -> Any:
    export, trusted = _aged()
    export["expired"]["consistency"][0] = "11" * 32
    return export, trusted


def _short_consistency(*_: Any) -> Any:
    export, trusted = _aged()
    export["expired"]["consistency"].pop()
    return export, trusted


def _another_name(export: Any, _: Any) -> None:
    export["note"] = "all is well"


def _another_version(export: Any, _: Any) -> None:
    export["v"] = 2


def _truth_for_one(export: Any, _: Any) -> None:
    export["events"][0]["position"] = True


def _upper_case(export: Any, _: Any) -> None:
    export["events"][0]["path"][0] = export["events"][0]["path"][0].upper()


def _list_for_an_object(export: Any, _: Any) -> None:
    export["events"] = {}


_FORGED: dict[tuple[str, str], Callable[..., Any]] = {
    ("an edited row", "inclusion"): _edited,
    ("an edited row in a tree made for it", "witness"): _edited_and_rehashed,
    ("a row left out", "map"): _left_out,
    ("a row left out of the events", "chain"): _left_out_of_events,
    ("a deleted row", "missing"): _row_gone,
    ("a truncated chain", "map"): _truncated,
    ("the end of a chain taken back", "rollback"): _tail_taken_back,
    ("a chain in another order", "chain"): _chain_reordered,
    ("events in another order", "event"): _events_reordered,
    ("two events that changed places", "inclusion"): _moved,
    ("an event about somebody else", "citizen"): _foreign_event,
    ("a closed event of somebody else", "map"): _foreign_event_closed,
    ("an event in no chain", "chain"): _in_no_chain,
    ("another log", "log"): _other_log,
    ("a log under another name", "key"): _relabelled_log,
    ("a head of another log", "log"): _head_of_another_log,
    ("a head of another size", "head"): _resized,
    ("a signed head of another size", "inclusion"): _resized_and_signed,
    ("a fork", "witness"): _forked,
    ("a fork before the witnessed head", "order"): _forked_line,
    ("a forked map before the witnessed head", "order"): _forked_map_before_the_witnessed_head,
    ("a chain that is no longer told", "rollback"): _chain_no_longer_told,
    ("heads with a gap", "order"): _line_with_a_gap,
    ("heads that go back in time", "order"): _line_back_in_time,
    ("heads that grow smaller", "order"): _smaller_again,
    ("a forged inclusion proof", "inclusion"): _forged_inclusion,
    ("an inclusion proof cut short", "inclusion"): _short_inclusion,
    ("an inclusion proof made longer", "inclusion"): _long_inclusion,
    ("an event at another position", "inclusion"): _other_position,
    ("a forged way through the map", "map"): _forged_map_path,
    ("no witness", "witness"): _no_witness,
    ("a wrong witness", "witness"): _wrong_witness,
    ("a forged cosignature", "witness"): _forged_cosignature,
    ("a cosignature of an earlier head", "witness"): _cosignature_of_an_earlier_head,
    ("a cosignature given to another head", "witness"): _cosignature_given_to_another_head,
    ("an old state", "stale"): _stale,
    ("a stale head", "stale"): _stale_head,
    ("the log of somebody else", "citizen"): _somebody_else,
    ("somebody else's chain", "citizen"): _somebody_elses_chain,
    ("somebody else's chain, closed", "map"): _closed_chain_of_somebody_else,
    ("a key of the citizen without a chain", "citizen"): _one_key_hidden,
    ("another opening", "opening"): _other_opening,
    ("another salt", "opening"): _other_salt,
    ("an opening of nothing", "opening"): _opens_what_is_not_there,
    ("an opening that is not canonical", "opening"): _opening_not_canonical,
    ("an event that is not canonical", "event"): _not_canonical,
    ("a name twice", "event"): _name_twice,
    ("a fraction", "event"): _fraction,
    ("a null", "event"): _null,
    ("an event that says nothing", "event"): _not_an_event,
    ("a key without consent", "key"): _key_without_consent,
    ("a key that consents to itself", "key"): _key_consents_to_itself,
    ("a head signed by an unknown key", "head"): _unknown_key,
    ("a head that is not signed", "head"): _head_unsigned,
    ("rows gone too young", "missing"): _gone_young,
    ("rows gone after the old head", "missing"): _gone_after_the_old_head,
    ("rows gone by an unwitnessed head", "missing"): _gone_by_an_unwitnessed_head,
    ("rows gone by a backdated head", "witness"): _gone_by_a_backdated_head,
    ("rows gone by an old head that was signed lately", "missing"): _gone_by_a_head_signed_lately,
    ("rows gone by a head of the future", "missing"): _gone_by_a_head_of_the_future,
    ("a forged consistency proof", "missing"): _forged_consistency,
    ("a consistency proof cut short", "missing"): _short_consistency,
    ("a name that does not belong", "format"): _another_name,
    ("another version", "format"): _another_version,
    ("true for a number", "format"): _truth_for_one,
    ("hexadecimal in capitals", "format"): _upper_case,
    ("an object for a list", "format"): _list_for_an_object,
}


def written() -> dict[str, str]:
    """The files of the vectors."""
    found = {}
    for name, word, export, trusted in vectors():
        content = {"name": name, "expected": word or "whole", "trusted": trusted, "export": copy.deepcopy(export)}
        title = name.replace(" ", "-").replace(",", "").replace("'", "")
        found[f"{word or 'whole'}-{title}.json"] = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    return found


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for file, text in written().items():
        (FOLDER / file).write_text(text, "utf-8")
