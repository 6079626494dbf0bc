"""How long rows are kept, and for which reasons one is taken out."""
