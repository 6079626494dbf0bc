"""The log that can be proved: leaves, tree, chains, heads and witnesses. The format: ``docs/reference/log-format.md``.

``sequencing`` makes it, ``exporting`` takes a citizen's proofs out of it, ``verifying`` checks them and shares no code with
the two: whoever doubts the log need not trust the code that wrote it.
"""
