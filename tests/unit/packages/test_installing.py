"""Installing: all or none, once, with a report of what is there and what is missing."""

import io

import pytest
from rich.console import Console

from helhed.commands.packaging import install_files, list_packages
from helhed.fhir.packages import edition, installed, knowledge
from helhed.foundation.database import connect
from helhed.foundation.errors import Conflict, HelhedError
from tests.support.archives import archive

VALUE_SET = {"resourceType": "ValueSet", "url": "http://example.org/ValueSet/a", "version": "1", "name": "A"}


@pytest.fixture
def shelf(target, tmp_path):
    return Shelf(target, tmp_path)


class Shelf:
    """Installs archives as the command does, and keeps what it printed."""

    def __init__(self, target, folder):
        self.target, self.folder, self.printed = target, folder, ""

    async def install(self, *archives):
        paths = []
        for number, raw in enumerate(archives):
            paths.append(self.folder / f"{number}.tgz")
            paths[-1].write_bytes(raw)
        return await self._print(lambda console: install_files(self.target, paths, console))

    async def list(self):
        return await self._print(lambda console: list_packages(self.target, console))

    async def _print(self, work):
        paper = io.StringIO()
        result = await work(Console(file=paper, width=200))
        self.printed = paper.getvalue()
        return result

    async def ask(self, question, as_owner=True):
        connection = await connect(self.target.owner if as_owner else self.target.application)
        try:
            return await question(connection)
        finally:
            await connection.close()


async def test_the_report_names_what_is_held_what_serves_it_and_what_is_missing(shelf):
    older = archive({}, {"name": "example.base", "version": "2.1.0"})
    asking = archive(
        {"package/a.json": VALUE_SET, "package/example/p.json": {"resourceType": "Patient"}},
        {"dependencies": {"example.base": "2.0.0", "hl7.fhir.r4.core": "4.0.1", "example.absent": "1.0.0"}},
    )
    assert not await shelf.install(older, asking)
    assert "example.fhir.test 1.0.0: installed" in shelf.printed
    assert "1 ValueSet, 1 examples" in shelf.printed
    assert "asks for example.base 2.0.0: served by 2.1.0" in shelf.printed
    assert "asks for hl7.fhir.r4.core 4.0.1: installed" in shelf.printed
    assert "asks for example.absent 1.0.0: missing" in shelf.printed


async def test_a_dependency_that_comes_later_is_resolved_from_then_on(shelf):
    await shelf.install(archive({}, {"dependencies": {"example.base": "2.1.x"}}))
    await shelf.install(archive({}, {"name": "example.base", "version": "2.1.7"}))
    await shelf.list()
    assert "asks for example.base 2.1.x: installed" in shelf.printed


async def test_installing_again_changes_nothing(shelf):
    raw = archive({"package/a.json": VALUE_SET})
    await shelf.install(raw)
    before = await shelf.ask(edition)
    assert await shelf.install(raw, raw)
    assert "was installed already" in shelf.printed
    assert await shelf.ask(edition) == before
    assert len(await shelf.ask(installed)) == 1


async def test_a_version_never_changes_its_content(shelf):
    await shelf.install(archive({}))
    with pytest.raises(Conflict):
        await shelf.install(archive({"package/a.json": VALUE_SET}))


async def test_one_bad_file_installs_none(shelf):
    with pytest.raises(HelhedError, match=r"1\.tgz"):
        await shelf.install(archive({}), b"not a package")
    with pytest.raises(Conflict):
        await shelf.install(archive({}), archive({"package/a.json": VALUE_SET}))
    assert await shelf.ask(installed) == []


async def test_what_is_installed_can_be_read_by_the_application(shelf):
    await shelf.install(archive({"package/a.json": VALUE_SET}))
    (known,) = await shelf.ask(lambda c: knowledge(c, ["ValueSet"]), as_owner=False)
    assert (known.url, known.package) == (VALUE_SET["url"], "example.fhir.test")


async def test_every_change_of_knowledge_has_a_number_of_its_own(shelf):
    before = await shelf.ask(edition)
    await shelf.install(archive({}))
    assert await shelf.ask(edition) == before + 1
