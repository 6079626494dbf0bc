"""Tasks with owner and deadline: whose move it is. See docs/explanation/whose-move-it-is.md."""
