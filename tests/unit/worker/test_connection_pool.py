"""Connections to the API: kept from lane to lane, and never lent twice at once."""

from typing import cast

import pytest

from shared.constant_contact.client import ConstantContact
from worker.delivery.connection_pool import ConnectionPool


class Client:
    """Stands for a client of the API."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pool() -> ConnectionPool:
    return ConnectionPool(lambda client_id: cast(ConstantContact, Client(client_id)))


def test_a_client_is_lent_again_when_it_is_back(pool: ConnectionPool) -> None:
    with pool.lend("key") as first:
        pass
    with pool.lend("key") as second:
        assert second is first


def test_a_client_is_back_although_its_lane_failed(pool: ConnectionPool) -> None:
    with pytest.raises(ValueError, match="lane"), pool.lend("key") as first:
        raise ValueError("lane")
    with pool.lend("key") as second:
        assert second is first


def test_two_lanes_at_once_have_a_client_each(pool: ConnectionPool) -> None:
    with pool.lend("key") as first, pool.lend("key") as second:
        assert second is not first


def test_each_api_key_has_its_own_clients(pool: ConnectionPool) -> None:
    with pool.lend("one"):
        pass
    with pool.lend("another") as other:
        assert vars(other)["client_id"] == "another"


def test_a_pool_that_is_closed_closes_what_is_not_lent_and_lends_no_more_of_it(
    pool: ConnectionPool,
) -> None:
    with pool.lend("key") as first:
        with pool.lend("key") as second:
            pass
        pool.close()
        assert (vars(first)["closed"], vars(second)["closed"]) == (False, True)
        with pool.lend("key") as third:
            assert third not in (first, second)
