from uuid import uuid4

import pytest

from helhed.foundation.errors import *


async def test_kernel(world):
    hosp=await world.organisation("Hospital"); ward=await world.organisation("Ward",hosp); gp=await world.organisation("GP")
    doc=await world.employee(ward); gpd=await world.employee(gp)
    pat=await world.patient(hosp, "Holm", generalPractitioner=[{"reference":f"Organization/{gp}"}], birthDate="1958-03-14")
    await world.contact(pat, ward)
    o=await world.observation(pat, hosp)
    a=world.professional(doc,ward)
    v=await world.store.read(a,"Observation",o); assert b"8867-4" in v.body and v.version==1
    for who in (world.professional(gpd,gp), world.citizen(pat)): await world.store.read(who,"Observation",o)
    with pytest.raises(Unknown): await world.store.read(world.system(hosp),"Observation",o)
    with pytest.raises(Unknown): await world.store.read(a,"Observation",uuid4())
    P=f"Patient/{pat}"
    for url,n in ((f"Observation?patient={P}",1),(f"Observation?subject={P}&code=http://loinc.org|8867-4&date=ge2026-01-01&_sort=-date",1),("Observation?code=8867-4&_total=accurate",1),
      ("Observation?subject:Patient.family=holm",1),("Observation?subject:Patient.family=xx",0),("Patient?family=HOL",1),("Patient?birthdate=1958-03-14",1),(f"Observation?patient={P}&date=lt2020",0),("Patient?family:exact=holm",0),("Patient?name:contains=olm",1),
      (f"Encounter?patient={P}&status=in-progress",1),("Patient?_id=%s"%pat,1),("Patient?_sort=family,-birthdate",1),("Observation?code:not=8867-4",0),("Organization?partof=Organization/%s"%hosp,1),("Organization?partof.name=Hosp",1),("Patient?general-practitioner.name=GP",1) if 0 else ("Patient?general-practitioner:Organization.name=GP",1)):
        assert len(await world.found(a,url))==n, url
    p=await world.search(a,f"Observation?patient={P}&_include=Observation:subject&_total=accurate"); assert p.total==1 and len(p.included)==1
    p=await world.search(a,f"Patient?_id={pat}&_revinclude=Observation:subject&_revinclude=Encounter:service-provider" if 0 else f"Patient?_id={pat}&_revinclude=Observation:subject"); assert len(p.included)==1
    await world.change(world.system(hosp), o, {"resourceType":"Observation","id":str(o),"status":"amended","code":{"text":"x"},"subject":{"reference":P}})
    v=await world.store.read(a,"Observation",o); assert v.version==2
    h=await world.store.history(a,"Observation",o,count=10,cursor=None); assert [x.version for x in h.matches]==[2,1]
    assert (await world.store.vread(a,"Observation",o,1)).version==1
    await world.block(pat, hosp)
    with pytest.raises(Unknown): await world.store.read(a,"Observation",o)
    assert (await world.search(a,"Observation?_total=accurate")).total==0
    with pytest.raises(Unknown): await world.store.history(a,"Observation",o,count=10,cursor=None)
    await world.store.read(world.professional(gpd,gp),"Observation",o)
    await world.delete(world.system(hosp),"Observation",o)
    with pytest.raises(Gone): await world.store.read(world.citizen(pat),"Observation",o)
    with pytest.raises(Unknown): await world.store.read(a,"Observation",o)
    for r in await world.log(pat): print(r["kind"],r["action"],r["permitted"],r["basis"],r["versions"])
