"""Terminologies as they are published. The files in here are synthetic: their shape is real, their codes are not."""

import json
import lzma
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from helhed.fhir.terminology import Terminology, UnknownTerminology, given
from helhed.fhir.terminology.importing import NotImported, import_terminology
from helhed.fhir.terminology.sources import NotThisShape, Rejected
from helhed.fhir.terminology.storing import Outcome
from helhed.foundation.database import Target, connect
from tests.unit.terminology.test_core import AT, value

SHARED = Path(os.environ.get("HELHED_SHARED", Path(__file__).resolve().parents[4] / "shared")) / "data"
TODAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SKS, SKS_DIAGNOSES = "urn:oid:1.2.208.176.2.4", "urn:oid:1.2.208.176.2.4.12"
NPU, ATC, FSIII = "urn:oid:1.2.208.176.2.1", "http://www.whocc.no/atc", "urn:oid:1.2.208.176.2.21"
Importing = Callable[..., Awaitable[tuple[list[Outcome], Rejected]]]


@pytest.fixture
def importing(target: Target) -> Importing:
    """Import a file; what was told of each terminology, and what was left out."""

    async def run(path: Path, kind: str = "fhir", **more: str) -> tuple[list[Outcome], Rejected]:
        told: list[Outcome] = []
        connection = await connect(target.owner)
        try:
            return told, await import_terminology(connection, path, kind, at=TODAY, tell=told.append, **more)
        finally:
            await connection.close()

    return run


def sks_line(kind: str, code: str, text: str, end: str = "25000101") -> str:
    return f"{kind}{code:20}1994010119940101{end}{text:120}"


async def test_sks_becomes_one_system_with_its_hierarchy_and_the_diagnoses_one_more(
    importing: Importing, terminology: Terminology, tmp_path: Path
) -> None:
    lines = [
        sks_line("dia", "DX11", "Syntetisk sygdom æøå"),
        sks_line("dia", "DX119", "Syntetisk sygdom UNS"),
        sks_line("dia", "DX119A", "Syntetisk sygdom, gammel", "20101231"),
        sks_line("opr", "KXA00", "Syntetisk operation"),
        "dia",
        sks_line("dia", "DX12", "Uden dato", "i morgen"),
        sks_line("dia", "DX13", ""),
    ]
    path = tmp_path / "SKScomplete.txt"
    path.write_bytes("\r\n".join(lines).encode("latin-1"))
    told, rejected = await importing(path, "sks", version="2026-10")
    assert [(one.what, one.concepts) for one in told] == [
        (f"CodeSystem {SKS}|2026-10", 4), (f"CodeSystem {SKS_DIAGNOSES}|2026-10", 3),
    ]  # fmt: skip
    assert rejected.reasons == [
        "line 5: too short for a record", "line 6: DX12: no dates where they should stand", "line 7: DX13: no text",
    ]  # fmt: skip
    assert await terminology.descendants(SKS, "DX11") == frozenset({"DX119", "DX119A"})
    assert await terminology.display(SKS_DIAGNOSES, "DX11") == "Syntetisk sygdom æøå"
    old = await terminology.validate_code(given(url=SKS, code="DX119A"))
    assert value(old, "message") == "DX119A is no longer in use."


async def test_of_several_periods_of_an_sks_code_the_last_one_counts(
    importing: Importing, terminology: Terminology, tmp_path: Path
) -> None:
    path = tmp_path / "SKScomplete.txt"
    path.write_text(f"{sks_line('dia', 'DX1', 'Ny')}\n{sks_line('dia', 'DX1', 'Gammel', '20101231')}\n", "latin-1")
    await importing(path, "sks", version="1")
    assert await terminology.display(SKS, "DX1") == "Ny"


async def test_atc_comes_with_its_levels_and_the_doses_of_each_route(
    importing: Importing, terminology: Terminology, tmp_path: Path
) -> None:
    path = tmp_path / "atc.csv"
    path.write_text(
        "ATC code,Name,DDD,U,Adm.R,Note\nX,SYNTHETIC,,,,\nX01AB02,synthetin,2,g,O,\nX01AB02,synthetin,3,g,P,\n"
        'X01AB,"Synthetins, plain",,,,\nX01,GROUP,,,,\n,nothing,,,,\nwrong code,x,,,,\nX02,,,,,\n'
    )
    told, rejected = await importing(path, "atc", version="2026")
    assert told[0].concepts == 4
    assert rejected.count == 3
    assert await terminology.ancestors(ATC, "X01AB02") == frozenset({"X01AB", "X01", "X"})
    answer = await terminology.lookup(given(system=ATC, code="X01AB02", property=["ddd", "route"]))
    doses = [part["part"][1]["valueString"] for part in answer["parameter"] if part["name"] == "property"]
    assert sorted(doses) == ["2", "3", "O", "P"]


async def test_a_danish_table_of_groups_needs_no_first_line(
    importing: Importing, terminology: Terminology, tmp_path: Path
) -> None:
    path = tmp_path / "atc_groups.txt"
    path.write_bytes("X;Syntetisk mave;;\nX01;Mund og tænder;;\n".encode("latin-1"))
    await importing(path, "atc", version="2026", language="da")
    assert await terminology.display(ATC, "X01", "da") == "Mund og tænder"


async def test_npu_and_loinc_tables_are_read_by_their_column_names(
    importing: Importing, terminology: Terminology, tmp_path: Path
) -> None:
    npu, loinc = tmp_path / "npu.csv", tmp_path / "Loinc.csv"
    npu.write_text(
        "﻿NPU code;Short definition;System;Component;Kind of property;Unit;Status\n"
        "NPU99901;P—Synthetin; subst.c. = ? mmol/L;Plasma;Synthetin;substance concentration;mmol/L;active\n".replace(
            "Synthetin; subst", '"Synthetin; subst'
        )
        .replace('P—"', '"P—')
        .replace("mmol/L;Plasma", 'mmol/L";Plasma')
        + "NPU99902;Old;Plasma;Old;x;y;retired\nNPU9;short;;;;;\n",
        "utf-8",
    )
    loinc.write_text(
        '"LOINC_NUM","COMPONENT","PROPERTY","TIME_ASPCT","SYSTEM","SCALE_TYP","METHOD_TYP","CLASS","STATUS","SHORTNAME","LONG_COMMON_NAME"\n'
        '"99999-1","Synthetin","SCnc","Pt","Ser/Plas","Qn","","CHEM","ACTIVE","Synth SerPl","Synthetin in Serum"\n'
        '"99999-2","Old","SCnc","Pt","Ser","Qn","","CHEM","DEPRECATED","Old","Old one"\n'
    )
    _, rejected = await importing(npu, "npu", version="2026-11")
    await importing(loinc, "loinc", version="2.81")
    assert rejected.reasons == ["line 4: NPU9 is no code of NPU"]
    assert await terminology.display(NPU, "NPU99901") == "P—Synthetin; subst.c. = ? mmol/L"
    assert await terminology.display("http://npu-terminology.org", "NPU99902") == "Old"
    vs = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [{"system": "http://loinc.org", "filter": [{"property": "SCALE_TYP", "op": "=", "value": "Qn"}]}]}}  # fmt: skip
    found = await terminology.expand(given(valueSet=vs, activeOnly=True), AT)
    assert [one["code"] for one in found["expansion"]["contains"]] == ["99999-1"]


def code_system(version: str, *concepts: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "CodeSystem", "url": "urn:test:cs", "version": version, "status": "active", "content": "complete", "concept": list(concepts)}  # fmt: skip


async def test_again_without_effect_and_a_new_content_replaces_the_version_whole(
    importing: Importing, terminology: Terminology, tmp_path: Path
) -> None:
    path = tmp_path / "cs.json.xz"
    path.write_bytes(lzma.compress(json.dumps(code_system("1", {"code": "a"}, {"code": "b"})).encode()))
    assert [one.changed for one in (await importing(path))[0]] == [True]
    assert [one.changed for one in (await importing(path))[0]] == [False]
    assert value(await terminology.validate_code(given(url="urn:test:cs", code="b")), "result") is True
    path.write_bytes(lzma.compress(json.dumps(code_system("1", {"code": "a"}, {"code": "c"})).encode()))
    await importing(path)
    assert value(await terminology.validate_code(given(url="urn:test:cs", code="b")), "result") is False


async def test_broken_concepts_are_left_out_and_told(importing: Importing, tmp_path: Path) -> None:
    path = tmp_path / "cs.json"
    path.write_text(json.dumps(code_system("1", {"code": "a"}, {"display": "x"}, {"code": "a"}, {"code": 7}, {"code": "b", "property": [{"code": "parent", "valueCode": "gone"}]})))  # fmt: skip
    told, rejected = await importing(path)
    assert told[0].concepts == 2
    assert rejected.count == 4


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.json", b"{", "fhir"), ("a.json", b'{"resourceType": "Patient"}', "fhir"), ("a.json.xz", b"not packed", "fhir"),
        ("a.txt", b"nothing of the kind\n", "sks"), ("a.csv", b"a;b;c\n1;2;3\n", "loinc"), ("a.csv", b"", "npu"),
        ("a.tgz", b"no archive", "fhir"),
    ],
)  # fmt: skip
async def test_a_file_of_another_shape_changes_nothing(
    importing: Importing, target: Target, tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NotThisShape):
        await importing(path, kind, version="1")
    connection = await connect(target.owner)
    assert await connection.fetchval("select counter from fhir.terminology_state") == 1
    await connection.close()


async def test_a_table_needs_its_version_said(importing: Importing, tmp_path: Path) -> None:
    with pytest.raises(NotImported, match="--version"):
        await importing(tmp_path / "a.csv", "atc")


# --- the files themselves, when they are at hand -----------------------------------------------------------------------


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip("external data are absent")
    return path


async def test_fsiii_and_the_social_codes_of_kl(importing: Importing, terminology: Terminology) -> None:
    await importing(shared("terminology/CodeSystem-FSIII.json"))
    await importing(shared("terminology/CodeSystem-CareSocialCodes.json"))
    assert await terminology.display(FSIII, "041a8348-e77d-4d6d-a464-a46b4fd036d0") == "Ressourcer"
    assert "041a8348-e77d-4d6d-a464-a46b4fd036d0" in (
        await terminology.descendants(FSIII, "370e6178-9a5d-45f9-a2c9-f658186059c9") or ()
    )


async def test_icd10_is_called_in_danish_and_a_code_that_is_not_in_the_supplement_is_undecided(
    importing: Importing, terminology: Terminology
) -> None:
    url = "http://hl7.org/fhir/sid/icd-10"
    with pytest.raises(UnknownTerminology):
        await terminology.lookup(given(system=url, code="A00.0"))
    await importing(shared("terminology/CodeSystem-icd10-da.json.xz"))
    assert await terminology.display(url, "A00") == "Kolera"
    assert "A00.1" in (await terminology.descendants(url, "A00") or ())
    everything = {
        "resourceType": "ValueSet",
        "status": "active",
        "url": "urn:test:all",
        "compose": {"include": [{"system": url}]},
    }
    found = await terminology.expand(given(valueSet=everything, filter="kolera", count=3), AT)
    assert {"name": "limitedExpansion", "valueBoolean": True} in found["expansion"]["parameter"]


async def test_icpc2_is_translated_to_icd10_and_back(importing: Importing, terminology: Terminology) -> None:
    await importing(shared("terminology/ConceptMap-icpc2-icd10.json.xz"))
    url, icpc = "http://hl7.dk/fhir/core/ConceptMap/icpc2-icd10", "urn:oid:1.2.208.176.2.31"
    answer = await terminology.translate(given(url=url, system=icpc, code="A02"))
    assert value(answer, "result") is True
    assert answer["parameter"][1]["part"][1]["valueCoding"]["code"] == "R68.8"
    back = await terminology.translate(
        given(url=url, system="http://hl7.org/fhir/sid/icd-10", code="R52.0", reverse=True)
    )
    assert [one["part"][0]["valueCode"] for one in back["parameter"][1:]] == ["wider"]


async def test_the_danish_packages_give_danish_displays(importing: Importing, terminology: Terminology) -> None:
    await importing(shared("fhir-packages/dk-core-3.7.0.tgz"))
    await importing(shared("fhir-packages/medcom-terminology-2.0.2.tgz"))
    assert await terminology.display("http://hl7.org/fhir/administrative-gender", "female", "da") == "Kvinde"
    found = await terminology.expand(
        given(url="http://hl7.org/fhir/ValueSet/administrative-gender", filter="kvin", displayLanguage="da-DK"), AT
    )
    assert [one["display"] for one in found["expansion"]["contains"]] == ["Kvinde"]
