"""A synthetic Danish population of any size: people, their courses and what each source writes. Knows no store.

Citizens come in blocks of a hundred neighbours. A block follows from the seed and its number alone, so that any slice can
be generated anywhere, in any order, with the same bytes.
"""
