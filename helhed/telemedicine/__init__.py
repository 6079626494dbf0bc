"""Home monitoring, devices, video. Built with initiative 3.4."""
