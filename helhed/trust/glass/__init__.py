"""The broken glass (værdispring): its dated rules and its tickets."""
