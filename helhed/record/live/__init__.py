"""Sources that are asked when somebody looks: asked side by side with a deadline, their answers made into labelled rows that end."""
