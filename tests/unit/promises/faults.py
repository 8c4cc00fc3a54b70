# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that can strike a single request, and the acts of a second user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.cloudnexus.cloud.plugins.module_utils.client.transport import Response
from ansible_collections.cloudnexus.cloud.plugins.module_utils.errors import BadResponse, NotSent, ResponseLost
from hypothesis import strategies as st

from tests.emulator.settings import API_KEY

from ..fake_api import FakeApi, answer

#: Seconds of an attempt (api_timeout).
TIMEOUT = 5


NAMES = ("web-01", "web-02", "web-03")


PLANS = ("starter", "enterprise")


REGIONS = ("us-east", "eu-west")


Right = Callable[[], Response]


@dataclass(frozen=True)
class Fault:
    """What happens to one request: ``before`` it has its effect, or after, or only to its answer."""

    kind: str
    number: float = 0

    def strike(self, api: FakeApi, right: Right) -> Response:
        if self.kind == "slow":
            api.clock.time += self.number
            if self.number < TIMEOUT:
                return right()
            right()
            raise ResponseLost("The API gave no whole answer in time.")
        if self.kind == "lost before":
            raise ResponseLost("The connection was reset.")
        if self.kind == "not sent":
            raise NotSent("Connection refused.")
        if self.kind == "429":
            return answer(429, {"error": {"message": "Too many requests."}}, {"Retry-After": str(int(self.number))} if self.number else None)
        if self.kind == "5xx before":
            return answer(500 + int(self.number), {"error": {"message": "Broken."}})
        if self.kind == "interrupted before":
            raise KeyboardInterrupt
        was = right()
        if self.kind == "interrupted after":
            raise KeyboardInterrupt
        if self.kind == "lost after":
            raise ResponseLost("The connection was reset.")
        if self.kind == "5xx after":
            return answer(500 + int(self.number), {"error": {"message": "Broken."}})
        if self.kind == "truncated":
            return Response(was.status, was.headers, was.body[: len(was.body) // 2])
        if self.kind == "nonsense":
            return Response(was.status, {"Content-Type": "text/html"}, b"<html>")
        if self.kind == "redirect":
            raise BadResponse("The API returned a redirect.")
        raise AssertionError(self.kind)


FAULTS = st.one_of(
    st.builds(Fault, st.sampled_from(["lost before", "lost after", "not sent", "truncated", "nonsense", "redirect"])),
    st.builds(Fault, st.sampled_from(["5xx before", "5xx after"]), st.sampled_from([0, 2, 3, 4])),
    st.builds(Fault, st.just("429"), st.sampled_from([0, 1, 3, 300])),
    st.builds(Fault, st.just("slow"), st.sampled_from([0.5, 3, 5])),
    st.builds(Fault, st.sampled_from(["interrupted before", "interrupted after"])),
)


@dataclass(frozen=True)
class OtherUser:
    """What somebody else does at the moment of one request, before or after it has its effect."""

    action: str
    name: str
    plan: str
    region: str
    after: bool = False

    def act(self, api: FakeApi) -> None:
        key = api.account.key_for(API_KEY)
        named = [item["id"] for item in api.account.state()["instances"] if item["name"] == self.name]
        if self.action == "create":
            api.make(self.name, self.plan, self.region)
        for instance_id in named[:1]:
            if self.action == "delete":
                api.account.delete_instance(instance_id, key)
            elif self.action == "change":
                api.account.update_instance(instance_id, {"plan": self.plan}, key)
            elif self.action == "break":
                api.account.set_status(instance_id, "failed")

    def strike(self, api: FakeApi, right: Right) -> Response:
        if not self.after:
            self.act(api)
            return right()
        was = right()
        self.act(api)
        return was


def other_users(*actions: str) -> st.SearchStrategy[OtherUser]:
    return st.builds(OtherUser, st.sampled_from(actions), st.sampled_from(NAMES), st.sampled_from(PLANS), st.sampled_from(REGIONS), st.booleans())


OTHER_USERS = other_users("create", "delete", "change", "break")


#: Request number -> what happens to it. The early ones are the likely ones to come at all.
SCRIPTS = st.dictionaries(st.integers(0, 12), st.one_of(FAULTS, FAULTS, OTHER_USERS), max_size=5)
