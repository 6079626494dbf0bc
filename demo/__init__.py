"""The demo world: invented places, staff and people in an invented Danish region, and a population in the same style.

Everything here is made up. "Test" is everybody's middle name, CPR numbers fail modulus 11 on purpose, and no clinic,
hospital, town or post code exists. The demo's day is 23.11.2026.
"""

from demo.bundles import SourceBundle
from demo.places import PLACES
from demo.staff import STAFF
from demo.world import demo_bundles

__all__ = ["PLACES", "STAFF", "SourceBundle", "demo_bundles"]
