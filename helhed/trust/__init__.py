"""Who may see what, and why: identity, treatment relation, blocks, the decision, the citizen's log."""
