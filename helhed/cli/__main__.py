"""``python -m helhed.cli`` is ``helhed``."""

from helhed.cli import main

if __name__ == "__main__":
    main()
