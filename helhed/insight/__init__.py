"""Population figures: aggregates only, never a person. Counted and protected in the database; read here as they were released."""
