"""What the commands do, a module each: import, packages, populations, keys, the demo, backup, purge, retention. ``cli`` names them."""
