"""Population measures and models: aggregates only, never a person. Built with initiatives 3.2 and 5.1."""
