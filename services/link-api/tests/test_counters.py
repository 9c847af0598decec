"""Sums of a batch of clicks."""

from hypothesis import given
from hypothesis import strategies as st

from codeqr_common.events.clicks import ClickEvent
from link_api.counters.worker import gains, project_gains

clicks = st.builds(
    ClickEvent,
    id=st.just("c"),
    time=st.integers(0, 10**13),
    project_id=st.sampled_from(["proj_1", "proj_2"]),
    link_id=st.sampled_from(["link_a", "link_b", "link_c"]),
    trigger=st.sampled_from(["link", "qr"]),
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
        assert gain.scans == sum(click.trigger == "qr" for click in counted if click.link_id == gain.link_id)


@given(st.lists(clicks, max_size=40))
def test_projects_get_what_their_links_get(batch: list[ClickEvent]) -> None:
    rows = gains(batch)
    sums = project_gains(rows)
    assert [project_id for project_id, _, _ in sums] == sorted({row.project_id for row in rows})
    assert sum(clicks for _, clicks, _ in sums) == sum(row.clicks for row in rows)
    assert sum(scans for _, _, scans in sums) == sum(row.scans for row in rows)
