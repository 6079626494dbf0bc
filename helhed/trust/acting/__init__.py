"""Who acts for whom: rights, mandates, relatives, help at the counter, and their dated policy."""
