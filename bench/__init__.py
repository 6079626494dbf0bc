"""The bench: secured work over HTTP, measured against fixed references in the same run."""
