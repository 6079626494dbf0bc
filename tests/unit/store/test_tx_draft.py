from bench.cases import _bundle
from helhed.fhir.parsing import parse_json
from helhed.fhir.transaction import transact


async def test_tx(world):
    hosp=await world.organisation("Hospital"); pat=await world.patient(hosp)
    raw=_bundle(pat)
    out=await transact(world.store, world.system(hosp), raw, parse_json(raw))
    assert all(o.written.created for o in out)
