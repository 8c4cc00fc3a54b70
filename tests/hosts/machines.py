# Copyright: (c) 2026, cloudnexus.cloud contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines behind an emulator's instances: a host for each that runs, from its creation to its deletion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType

from ..emulator.process import EmulatorProcess
from .background import InBackground
from .isolated import Host, Hosts

#: In seconds: how long after the API has said so a host may start or end.
LOOKS_EVERY = 0.1


def nothing_to_prepare(name: str) -> str | None:
    return ""


class Machines(InBackground):
    """Within the ``with`` block an instance that has an address is a host there, and one that is deleted ends as by a power cut.

    ``prepare`` says by an instance's name what is run on the host first; None means that there is no host at its address. ``known`` trusts each new
    host's key.
    """

    def __init__(self, emulator: EmulatorProcess, hosts: Hosts, *, prepare: Callable[[str], str | None] = nothing_to_prepare, known: bool = True) -> None:
        super().__init__()
        self._emulator, self._hosts, self._prepare, self._known = emulator, hosts, prepare, known
        #: The name and the host of each instance.
        self._by_id: dict[str, tuple[str, Host | None]] = {}
        self._error: BaseException | None = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        super().__exit__(kind, error, trace)
        self._settle({})
        if self._error and not error:
            raise self._error

    def __getitem__(self, name: str) -> Host:
        """The host of the instance of this name."""
        (host,) = [host for known, host in self._by_id.values() if known == name]
        assert host is not None
        return host

    def _go_on(self) -> None:
        try:
            while not self._ended.wait(LOOKS_EVERY):
                running = [item for item in self._emulator.instances() if item.get("ip")]
                self._settle({item["id"]: (item["name"], item["ip"]) for item in running})
        except BaseException as error:
            self._error = error

    def _settle(self, wanted: Mapping[str, tuple[str, str]]) -> None:
        """End first, start then: a new instance may have the address of one that is gone."""
        for identity in set(self._by_id) - set(wanted):
            _name, host = self._by_id.pop(identity)
            if host is not None:
                self._hosts.stop(host)
        for identity, (name, address) in wanted.items():
            if identity not in self._by_id:
                prepare = self._prepare(name)
                host = None if prepare is None else self._hosts.start(address, prepare=prepare, known=self._known)
                self._by_id[identity] = (name, host)
