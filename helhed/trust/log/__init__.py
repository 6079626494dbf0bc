"""The citizen's log as it is read, asked about, told of and shielded."""
