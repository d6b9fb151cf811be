"""`/embed.js` on a page of another origin: an error, and then thanks, without leaving the page."""

from playwright.sync_api import Page, expect

from tests.support.embed_site import EmbedSite, expect_thanks, join, kept


def test_a_visitor_corrects_an_error_and_is_thanked_in_place(site: EmbedSite, page: Page) -> None:
    site.show(page)
    join(page, name="A" * 51)
    name = page.get_by_label("FNAME")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    too_long = "First name: please use at most 50 characters. You entered 51."
    expect(name).to_have_accessible_description(too_long)
    expect(page.get_by_role("alert").filter(has_text=too_long)).to_be_visible()
    expect(page.get_by_label("EMAIL")).to_have_value("ada@example.com")

    name.fill("Ada")
    expect(page.locator("[data-relay-error]")).to_have_count(0)
    expect(name).not_to_have_attribute("aria-describedby", "")
    page.get_by_role("button", name="Join").click()
    expect_thanks(page)
    expect(page.get_by_role("status")).to_be_focused()
    expect(page.get_by_role("button", name="Join")).to_be_enabled()
    expect(page.get_by_label("EMAIL")).to_have_value("")
    assert page.url == f"{site.website.url}/"
    assert kept(page) == []
    [record] = site.records()
    assert record["contact"]["fields"]["first_name"] == "Ada"
