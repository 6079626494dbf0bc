"""The dated rules of the broken glass, and of what a block cannot do, are what the database does."""

import re
from pathlib import Path

from helhed.trust.blocks.exceptions import exceptions
from helhed.trust.glass.rules import glass_policy, reason_of

SQL = "".join(
    path.read_text("utf-8") for path in sorted((Path(__file__).parents[2] / "helhed/trust/migrations").glob("*.sql"))
)


def newest(function: str) -> str:
    found: str = re.findall(rf"create (?:or replace )?function trust\.{function}\(.*?\$\$.*?\$\$", SQL, re.S)[-1]
    return found


def test_the_deadlines_are_those_of_the_database():
    rules = glass_policy()
    assert f"interval '{int(rules.holds.total_seconds() // 60)} minutes'" in newest("break_glass")
    assert f"interval '{int(rules.review_within.total_seconds() // 3600)} hours'" in newest("break_glass")
    assert f"interval '{int(rules.escalate_after.total_seconds() // 3600)} hours'" in newest("reviews")
    assert f"interval '{int(rules.escalate_after.total_seconds() // 3600)} hours'" in newest("whose_review")


def test_reasons_are_short_enough_to_be_kept_and_read_back():
    for code, reason in glass_policy().reasons.items():
        assert len(code) < 20
        assert ":" not in code
        assert reason_of(f"{code}: Noget: mere") == (reason, "Noget: mere")
    assert reason_of("Bevidstløs") == (None, "Bevidstløs")


def test_what_law_says_has_a_source_for_each_sentence_and_both_languages():
    for one in exceptions().all:
        assert one.law
        assert one.danish
        assert one.english
        assert bool(one.types) is one.hidden_here
