"""Identifiers: random, in order of time, and carrying their bucket."""

from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from helhed.foundation.ids import BUCKETS, bucket_of, key_of, new_id, parse_id
from helhed.foundation.trace import trace_of


@given(st.integers(0, BUCKETS - 1), st.integers(0, 2**48 - 1))
def test_an_id_is_a_version_7_uuid_that_keeps_its_bucket_and_its_time(bucket: int, milliseconds: int) -> None:
    made = new_id(bucket, milliseconds=milliseconds)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert bucket_of(made) == bucket
    assert made.int >> 80 == milliseconds


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [new_id(milliseconds=moment) for moment in range(1_000, 1_100)]
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)


def test_ids_of_one_moment_and_one_bucket_differ() -> None:
    made = {new_id(7, milliseconds=1) for _ in range(1_000)}
    assert len(made) == len({key_of(one) for one in made}) == 1_000


def test_buckets_are_used_evenly_when_nobody_says_which() -> None:
    used = {bucket_of(new_id()) for _ in range(20_000)}
    assert len(used) == BUCKETS


@given(st.uuids())
def test_a_key_is_the_low_half_as_a_bigint_of_the_database(identifier: UUID) -> None:
    key = key_of(identifier)
    assert -(2**63) <= key < 2**63
    assert key % 2**64 == identifier.int % 2**64


@given(st.uuids())
def test_an_id_reads_as_it_is_written(identifier: UUID) -> None:
    assert parse_id(str(identifier)) == identifier


@pytest.mark.parametrize(
    "text",
    [
        "", "7", "0190AAAA-AAAA-7AAA-8AAA-AAAAAAAAAAAA", "0190aaaaaaaa7aaa8aaaaaaaaaaaaaaa",
        "{0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa}", "urn:uuid:0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa",
        "0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaa ", "0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaag", "０190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa",
        "0190aaaaaaaa-7aaa-8aaa-aaaaaaaaaaaaa", "1-90aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa",
    ],
)  # fmt: skip
def test_only_the_canonical_form_is_an_id(text: str) -> None:
    assert parse_id(text) is None


async def test_the_database_counts_keys_and_buckets_the_same_way(world) -> None:
    for made in [new_id() for _ in range(50)]:
        row = await world.owner.fetchrow("select fhir.key($1), fhir.bucket($1)", made)
        assert tuple(row) == (key_of(made), bucket_of(made))


@given(st.integers(0, 2**128 - 1))
def test_a_trace_is_a_version_4_uuid_that_keeps_its_noise(noise: int) -> None:
    trace = trace_of(noise)
    assert (trace.version, trace.variant) == (4, "specified in RFC 4122")
    kept = ~((0xF << 76) | (0b11 << 62))
    assert trace.int & kept == noise & kept
    assert trace == UUID(str(trace))
    assert hash(trace) == hash(UUID(str(trace)))
