"""Emergency copies (nødkopier): what a professional may open without a network, and how it comes into the log afterwards."""
