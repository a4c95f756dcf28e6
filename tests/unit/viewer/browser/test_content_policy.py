from sneakynet.viewer.browser.content_policy import content_policy


def test_nothing_from_elsewhere_and_no_code_in_the_page():
    policy = dict(part.split(" ", 1) for part in content_policy(frame_ancestors="'self'").split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'self'"
    assert not any("unsafe" in sources or "*" in sources for sources in policy.values())
    assert content_policy(frame_ancestors="'none'").endswith("frame-ancestors 'none'")
