"""Relations between measurements, so that what is made up hangs together."""

from helhed.population.body import egfr

__all__ = ["body_mass_index", "egfr"]


def body_mass_index(weight: float, height: float) -> float:
    """Kilograms over metres squared, one decimal."""
    return round(weight / height**2, 1)
