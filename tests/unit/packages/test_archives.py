"""A package archive comes from somebody else: everything that no honest package holds is refused, and quickly."""

import contextlib
import gzip
import tarfile

import pytest
from hypothesis import given, strategies as st

from helhed.fhir.packages import ArchiveLimits, WrongRelease, read_package
from helhed.foundation.errors import HelhedError
from tests.support.archives import archive, plain, tar

PATIENT = {"resourceType": "Patient", "id": "a"}
VALUE_SET = {"resourceType": "ValueSet", "url": "http://example.org/ValueSet/a", "version": "1", "name": "A"}


def refused(raw: bytes, **limits: int) -> str:
    with pytest.raises(HelhedError) as raised:
        read_package(raw, ArchiveLimits(**limits))
    return str(raised.value)


def test_a_package_gives_its_manifest_artefacts_and_examples():
    package = read_package(
        archive(
            {
                "package/ValueSet-a.json": VALUE_SET,
                "package/example/Patient-a.json": PATIENT,
                "package/.index.json": {"files": []},
                "package/other/notes.json": {"resourceType": "Patient"},
                "package/openapi.txt": b"not JSON",
            },
            {"dependencies": {"hl7.fhir.r4.core": "4.0.1"}},
        )
    )
    assert package.manifest.name == "example.fhir.test"
    assert package.manifest.dependencies == {"hl7.fhir.r4.core": "4.0.1"}
    assert [(one.type_name, one.url, one.example) for one in package.artefacts] == [
        ("ValueSet", VALUE_SET["url"], False),
        ("Patient", "", True),
    ]


@pytest.mark.parametrize(
    "path",
    ["../etc/passwd", "package/../../a.json", "/etc/passwd", "package\\a.json", "C:/a.json", "package//a.json", "a\nb"],
)
def test_a_path_that_leaves_its_folder_is_refused(path):
    assert "path" in refused(archive({path: b"{}"}))


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_links_devices_and_sparse_files_are_refused(kind):
    member = tarfile.TarInfo("package/a.json")
    member.type, member.linkname = kind, "/etc/passwd"
    assert refused(tar([(member, b"")]))


def test_a_bomb_is_refused_before_it_is_unpacked():
    zeros = bytes(16 * 2**20)
    bomb = tar([plain(f"package/{n}.txt", zeros) for n in range(8)])
    assert len(bomb) < 2**18
    assert "far more" in refused(bomb)


def test_a_file_that_says_it_is_huge_is_refused_unread():
    member = tarfile.TarInfo("package/a.json")
    member.size = 2**40
    header = member.tobuf()
    assert "larger than 32 MiB" in refused(gzip.compress(header))


def test_sizes_and_counts_are_capped():
    many = archive({f"package/{n}.json": PATIENT for n in range(9)})
    assert "more than 5 files" in refused(many, files=5)
    assert "unpacks to more" in refused(many, unpacked=3000)
    assert "archive is larger" in refused(many, packed=100)


def test_a_file_twice_is_refused():
    one = plain("package/package.json", {"name": "a.b", "version": "1"})
    assert "twice" in refused(tar([one, one]))


def test_an_address_twice_is_refused():
    assert "twice" in refused(archive({"package/a.json": VALUE_SET, "package/b.json": VALUE_SET}))


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"name": "../x"}, "name"),
        ({"name": None}, "name"),
        ({"version": "1 ; drop"}, "version"),
        ({"dependencies": {"a.b": 1}}, "dependencies"),
        ({"dependencies": ["a.b"]}, "dependencies"),
    ],
)
def test_a_manifest_that_cannot_be_understood_is_refused(manifest, why):
    assert why in refused(archive({}, manifest))


def test_a_package_of_another_release_is_refused():
    with pytest.raises(WrongRelease):
        read_package(archive({}, {"fhirVersions": ["5.0.0"]}))


def test_json_is_read_strictly_and_the_file_is_named():
    assert "package/a.json" in refused(archive({"package/a.json": b'{"a": 1, "a": 2}'}))
    assert "package/a.json" in refused(archive({"package/a.json": b"[" * 500}))


def test_what_is_not_a_package_is_refused():
    assert "gzip" in refused(b"not gzip")
    assert refused(gzip.compress(b"not a tar file" * 100))
    assert "no package/package.json" in refused(tar([plain("package/a.json", PATIENT)]))
    assert "middle" in refused(archive({"package/a.json": PATIENT})[:150])


@given(st.data())
def test_a_damaged_archive_is_read_or_refused_and_nothing_else(data):
    raw = bytearray(archive({"package/a.json": PATIENT, "package/b.json": VALUE_SET}))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(HelhedError):
        read_package(bytes(raw))
