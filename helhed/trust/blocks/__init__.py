"""The citizen's "no": the shapes of a block, what law says besides, and what somebody would see."""
