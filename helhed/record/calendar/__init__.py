"""One calendar of a citizen over all sectors: appointments with what changed, what collides, and iCalendar (initiative 2.2)."""
