"""A clinic that treats Ane, and a counter where she is helped."""

HELP = "/hjaelp"


class Town:
    """A clinic that treats Ane, a citizen service, a keeper of the directory, and a friend."""

    def __init__(self, doors, clinic, doctor, ane, friend, row):
        self.doors, self.clinic, self.doctor, self.ane, self.friend, self.row = doors, clinic, doctor, ane, friend, row

    async def helper(self, service=None, practitioner=None):
        service = service or await self.doors.world.organisation("Borgerservice")
        clerk = await self.doors.world.employee(service, "citizen-service", practitioner)
        browser = await self.doors.professional(clerk, service, "citizen-service")
        await browser.get(HELP)
        return browser, clerk

    async def helping(self, service=None, practitioner=None):
        browser, clerk = await self.helper(service, practitioner)
        await browser.post(HELP, navn="Ane Birk", cpr=self.doors.numbers[self.ane], hvordan="pas", bedt="ja")
        assert browser.status == 200, browser.text
        return browser, clerk, browser.address


async def a_town(doors):
    """With Ane, a friend of hers, and a row in her record."""
    clinic = await doors.world.organisation("Klinikken")
    doctor = await doors.world.employee(clinic)
    ane = await doors.person(clinic, "Ane Test Birk", "1942-04-02")
    friend = await doors.person(clinic, "Viggo Test Ven", "1960-02-02")
    await doors.world.contact(ane, clinic)
    return Town(
        doors, clinic, doctor, ane, friend, await doors.world.observation(ane, clinic, valueString="Prøve 8867-4")
    )
