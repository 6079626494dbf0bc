"""Tasks with owner and deadline: whose move it is. Built with initiative 2.3."""
