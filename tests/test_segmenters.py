"""The segmenters that the API offers are those that workers have."""

from api.schemas import Segmenter
from model.segmenters import SEGMENTERS


def test_the_api_offers_what_workers_have() -> None:
    assert {offered.value for offered in Segmenter} == set(SEGMENTERS)
