"""Questionnaires citizens answer (PRO). Built with initiative 1.2."""
