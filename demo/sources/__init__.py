"""Sources that keep their own data and are asked when somebody looks: four small FHIR servers of the demo, with synthetic data."""

from demo.sources.server import DEMO_SOURCES, build_demo_sources

__all__ = ["DEMO_SOURCES", "build_demo_sources"]
