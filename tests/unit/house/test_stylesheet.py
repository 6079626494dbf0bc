"""A reduced stylesheet loses what no page can use, and nothing else."""

import pytest
from hypothesis import given, strategies as st

from tools.stylesheet import Used, addresses, reduce

PAGE = Used('<div class="card is-{{ state }} button-{{ kind }}" id="top">', 'state = "open" if x else "closed"')


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("a{color:red}", "a{color:red}"),
        (".card{x:1}.tooltip{x:2}", ".card{x:1}"),
        (".card,.tooltip{x:1}", ".card{x:1}"),
        (".card .tooltip{x:1}", ""),
        (".card:not(.tooltip){x:1}", ".card:not(.tooltip){x:1}"),
        (".card:is(.open,.tooltip){x:1}", ""),
        ("#top{x:1}#other{x:2}", "#top{x:1}"),
        (".button-primary{x:1}", ".button-primary{x:1}"),
        ("@media print{.tooltip{x:1}}", ""),
        ("@media print{.card{x:1}.tooltip{x:2}}", "@media print{.card{x:1}}"),
        ("@font-face{font-family:F}", ""),
        ("@keyframes spin{0%{x:1}}", ""),
        ("@keyframes spin{0%{x:1}}.card{animation:1s spin}", "@keyframes spin{0%{x:1}}.card{animation:1s spin}"),
        ('.card:after{content:"}"}', '.card:after{content:"}"}'),
        ('[href=".tooltip"]{x:1}', '[href=".tooltip"]{x:1}'),
        ("/* .card{} */p{x:1}", "p{x:1}"),
    ],
)
def test_rules_that_no_page_can_use_go(css, expected):
    assert reduce(css, PAGE) == expected


def test_an_unclosed_brace_is_an_error():
    with pytest.raises(ValueError, match="not closed"):
        reduce(".card{x:1", PAGE)


def test_only_files_are_addresses():
    assert addresses('a{b:url(../i/x.svg)}c{d:url("../f.woff2")}e{f:url(data:image/png;base64,A)}') == {
        "../i/x.svg",
        "../f.woff2",
    }


names = st.from_regex(r"[a-z][a-z0-9-]{0,6}[a-z0-9]", fullmatch=True)


@given(kept=st.lists(names, unique=True), others=st.lists(names, unique=True))
def test_every_rule_of_a_used_class_stays_in_order(kept, others):
    css = "".join(f".{name}{{order:{number}}}" for number, name in enumerate([*kept, *others]))
    reduced = reduce(css, Used(*kept))
    positions = [reduced.find(f".{name}{{order:{number}}}") for number, name in enumerate(kept)]
    assert -1 not in positions
    assert positions == sorted(positions)
