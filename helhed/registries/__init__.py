"""Citizens and replacement CPR numbers, organisations (SOR), professionals."""
