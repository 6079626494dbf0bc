"""Compiles UCUM units to factors: ``python -m tools.compile_units``.

A unit of a measurement is a product of the parts below; each is worked out by ucumvert, which knows UCUM. What is not in
the table is searched as it is written. Annotations ({beats}) are taken out before the table is asked. Arbitrary units ([IU] and the like) are comparable with nothing but themselves
(UCUM section 24), so they stand for themselves and only prefixes are taken out.
"""

import json
from itertools import product
from pathlib import Path

from ucumvert import PintUcumRegistry

OUT = Path(__file__).parents[1] / "helhed" / "fhir" / "units.json"
SOURCE = "UCUM 2.1, https://ucum.org/ucum, worked out with ucumvert; by tools/compile_units.py, 2026-11-23"
PREFIXES = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1, "k": 1e3, "M": 1e6}
ALONE = [
    "g", "m", "L", "l", "mol", "s", "Pa", "J", "W", "V", "Hz", "kat", "U", "bar", "cal", "t", "A", "K", "Gy", "Sv", "Bq",
]  # fmt: skip
PLAIN = [
    "1", "%", "[ppth]", "[ppm]", "min", "h", "d", "wk", "mo", "a", "Cel", "[degF]", "mm[Hg]", "cm[H2O]", "[lb_av]", "[oz_av]",
    "[in_i]", "[ft_i]", "m2", "cm2", "mm2", "m3", "cm3", "mm3", "10*3", "10*6", "10*9", "10*12", "deg", "[diop]",
]  # fmt: skip
ARBITRARY = ["[IU]", "[iU]", "[arb'U]"]
BELOW = [
    "L", "l", "dL", "mL", "ml", "uL", "g", "kg", "mg", "mol", "mmol", "min", "h", "d", "s", "wk", "m2", "m3", "mm3", "(24.h)",
]  # fmt: skip


def names() -> list[str]:
    """Units as they are written."""
    tops = [prefix + unit for prefix, unit in product(PREFIXES, ALONE)] + PLAIN
    fractions = [f"{top}/{below}" for top, below in product(tops, BELOW)]
    doubles = [f"{top}/{a}/{b}" for top, a, b in product(tops[:120], ("kg", "min", "mL"), ("min", "h"))]
    return [*tops, *fractions, *doubles, *(f"/{below}" for below in BELOW), *(f"1/{below}" for below in BELOW)]


def worked_out(registry: PintUcumRegistry) -> dict[str, list[object]]:
    """Unit -> [canonical unit, factor, offset]."""
    found: dict[str, list[object]] = {}
    for name in dict.fromkeys(names()):
        try:
            unit = registry.from_ucum(name).to_base_units() if "/" in name else registry.from_ucum(name)
            one = registry.Quantity(1.0, registry.from_ucum(name).units).to_base_units()
            none = registry.Quantity(0.0, registry.from_ucum(name).units).to_base_units()
        except Exception:
            continue
        scale = unit.magnitude if "/" in name and none.magnitude == 0 else one.magnitude - none.magnitude
        found[name] = [f"{one.units:~}" or "1", float(f"{scale:.13g}"), float(f"{none.magnitude:.13g}")]
    for prefix, unit in product(PREFIXES, ARBITRARY):
        found[prefix + unit] = [unit.lower(), PREFIXES[prefix], 0.0]
        for below in BELOW:
            if below in found:
                canonical, factor, _ = found[below]
                found[f"{prefix}{unit}/{below}"] = [
                    f"{unit.lower()}/{canonical}",
                    float(f"{PREFIXES[prefix] / float(str(factor)):.13g}"),
                    0.0,
                ]
    return found


def main() -> None:
    """Write the table, a unit a line."""
    table = worked_out(PintUcumRegistry())
    lines = [
        f'"{name}":{json.dumps(about, ensure_ascii=False, separators=(",", ":"))}'
        for name, about in sorted(table.items())
    ]
    OUT.write_text('{"source":' + json.dumps(SOURCE) + ',"units":{\n' + ",\n".join(lines) + "\n}}\n", "utf-8")


if __name__ == "__main__":
    main()
