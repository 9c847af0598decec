"""Sums of a batch of clicks."""

from hypothesis import given
from hypothesis import strategies as st

from codeqr_common.events.clicks import ClickEvent
from link_api.counters.worker import gains

clicks = st.builds(
    ClickEvent,
    id=st.just("c"),
    time=st.integers(0, 10**13),
    project_id=st.just("proj_1"),
    link_id=st.sampled_from(["link_a", "link_b", "link_c"]),
    domain=st.just("d"),
    key=st.just("k"),
    key_folded=st.just("k"),
    target=st.just("https://a.com"),
    url=st.just("https://a.com"),
    bot=st.booleans(),
    spool=st.just("s"),
    position=st.just(0),
)


@given(st.lists(clicks, max_size=40))
def test_sums_leave_bots_out_and_come_in_the_order_of_ids(batch: list[ClickEvent]) -> None:
    found = gains(batch)
    counted = [click for click in batch if not click.bot]
    assert [gain.link_id for gain in found] == sorted({click.link_id for click in counted})
    for gain in found:
        times = [click.time for click in counted if click.link_id == gain.link_id]
        assert gain.clicks == len(times)
        assert gain.last_clicked == max(times)
