"""The medication card and its support. Built with initiatives 2.4 and 3.3."""
