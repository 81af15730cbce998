# SPDX-License-Identifier: Apache-2.0
"""The kill matrix: a conductor or an agent dies (SIGKILL), or stands still past the first resend (SIGSTOP, then SIGCONT), at
a named point while a certain row of a workflow runs; another one of its kind goes on. Some cases of each kind; with
ATLAS_KILL_MATRIX=all every one. Each sees that its fault happened, that the work went on, and then the whole truth."""
import collections
import contextlib
import os
import signal
import statistics
import threading
import time
import uuid

import psycopg2
import pytest

from kill_cases import NOT_HERE, STAGE_OF, flow_rows, is_slow, name_of, wanted_cases
from servers import is_stopped
from truth import check
from world import MAX_KBPS, N_GATEWAYS, SITES, wait_until

AT_ONCE = 4  # links that a case asks for at the same time, so that victim and survivor both have work
TRIES = 6
LATE_S = 0.5  # what strikes after the last COMMIT strikes when all seems at rest
RESEND_S = 4.5  # a command of 2 s and its margin of 2 s
STOP_S = 10  # by then its connections are given up; a pretended device whose lock it holds is of no use meanwhile
PATIENCE_S = 60
SHORT_PERCENT = 10  # of the deadlines of steps, where something hangs


class Link:
    def __init__(self, vpn, gateway):
        self.name, self.vpn, self.gateway = str(uuid.uuid4()), vpn, gateway
        self.id = self.port = None
        self.network = {site: str(uuid.uuid4()) for site in SITES}


class Matrix:
    def __init__(self, world):
        self.world, self.pairs, self.links, self.percent = world, collections.deque(), [], 100
        self.broken = []  # what truth.check() asks a load for
        self.may_fail = []  # ids of links whose operations were made to
        self.gateways = dict(world.rows("SELECT name, id::text FROM gateway"))
        self.sites = dict(world.rows("SELECT name, id::text FROM site"))
        self.resumed = {"kill": [], "stop": []}
        self.database = psycopg2.connect(f"{world.database.connection} dbname=atlas")
        self.database.autocommit = True

    def rows(self, sql, *values):
        with self.database.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall()

    def one(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    def under_way(self):
        return self.one("SELECT count(*) FROM operation WHERE result = 0")

    # ---- what a tenant does ----

    def insist(self, method, path, body=None):
        """Sent again, under one key, until it is answered for good."""
        key, end = {"Idempotency-Key": str(uuid.uuid4())}, time.monotonic() + PATIENCE_S
        for again in range(1000):
            answer = self.world.api.ask(method, path, body, headers=key, timeout=15)
            if answer.status in (202, 204) or (again and answer.status in (404, 409)):
                return answer  # not found or busy: an earlier one was heard; 204: the API looked, and it is gone
            assert answer.status in (429, 503), f"{method} {path}: {answer.text}"
            assert time.monotonic() < end, f"{method} {path} found no answer"
            time.sleep(0.05)

    def create(self, link, plugged=True, kbps=1000):
        ends = [{"site_id": self.sites[site], "gateway_id": self.gateways[f"{site}-gw{link.gateway}"],
                 **({"network_id": link.network[site]} if plugged else {})} for site in SITES]
        self.world.links.add(link.name)
        made = self.insist("POST", "/v1/virtual-links", {"virtual_link": {
            "name": link.name, "vpn_id": link.vpn, "endpoints": ends, "bandwidth": {"a_to_z_kbps": kbps, "z_to_a_kbps": 500}}})
        link.id = made.body["virtual_link"]["id"]

    def create_much(self, link):
        self.create(link, kbps=2 * MAX_KBPS)

    def put(self, link, **what):
        self.insist("PUT", f"/v1/virtual-links/{link.id}", {"virtual_link": what})

    def change(self, link, a_to_z=3000, z_to_a=4000):
        self.put(link, bandwidth={"a_to_z_kbps": a_to_z, "z_to_a_kbps": z_to_a})

    def change_much_to_west(self, link):
        self.change(link, a_to_z=2 * MAX_KBPS)

    def change_much_from_west(self, link):
        self.change(link, z_to_a=2 * MAX_KBPS)

    def enable(self, link):
        self.put(link, admin_state_up=True)

    def disable(self, link):
        self.put(link, admin_state_up=False)

    def delete(self, link):
        self.insist("DELETE", f"/v1/virtual-links/{link.id}")

    def port_of(self, link, site):
        return self.one("SELECT p.id::text FROM vport p JOIN gateway g ON g.id = p.gateway_id "
                        "WHERE p.link_id = %s AND g.site_name = %s", link.id, site)

    def attach(self, link):
        site = SITES[link.gateway % 2]
        self.insist("POST", f"/v1/virtual-ports/{link.port[site]}/attach", {"network_id": link.network[site]})

    def detach(self, link):
        self.insist("POST", f"/v1/virtual-ports/{link.port[SITES[link.gateway % 2]]}/detach", {})

    # ---- many links at once ----

    def each(self, links, what):
        """Begins it for all of them; threads to be joined."""
        def run(link):
            try:
                what(link)
            except Exception as error:  # told by check()
                self.broken.append(f"{what.__name__}: {type(error).__name__}: {error}")
        threads = [threading.Thread(target=run, args=(link,), daemon=True) for link in links]
        for thread in threads:
            thread.start()
        return threads

    def at_rest(self, threads):
        return not any(thread.is_alive() for thread in threads) and not self.under_way()

    def done(self, links, what):
        threads = self.each(links, what)
        wait_until(lambda: self.at_rest(threads), PATIENCE_S, what.__name__)
        assert not self.broken, self.broken

    def some(self, ready):
        """Links that nobody used before, made ready."""
        if len(self.pairs) < AT_ONCE:
            self.pairs.extend((vpn, i) for vpn in self.world.new_vpns(50) for i in range(N_GATEWAYS))
        links = [Link(*self.pairs.popleft()) for _ in range(AT_ONCE)]
        self.links += links
        if ready == "none":
            return links
        self.done(links, lambda link: self.create(link, plugged=ready != "loose"))
        for link in links:
            link.port = {site: self.port_of(link, site) for site in SITES}
        if ready == "off":
            self.done(links, self.disable)
        return links

    def forget(self, links):
        """Deletes what is still there of them."""
        there = {name for name, in self.rows("SELECT name FROM vlink")}
        self.done([link for link in links if link.name in there], self.delete)
        left = {name for name, in self.rows("SELECT name FROM vlink WHERE provisioning = 4")}
        assert not [link for link in links if link.name in left], [self.story(link.id) for link in links if link.name in left]
        for link in links:
            self.world.links.discard(link.name)
            self.links.remove(link)

    # ---- what is amiss ----

    @contextlib.contextmanager
    def amiss(self, what, links):
        """Gateways or clouds of both sites, which as everybody does look again when they are asked."""
        who, _, how = what.partition(" ")
        told = {"refuse": {"refuse": "No."}, "hang": {"hang": True}}.get(
            how, {"networks": {each: "another" for link in links for each in link.network.values()}})
        each = [f"gw{i}" for i in range(N_GATEWAYS)] if who == "gateways" else ["cloud"] if what else []
        with self.world.told([f"{site}-{name}" for site in SITES for name in each], told):
            yield

    # ---- one case ----

    def deadlines(self, percent):
        if self.percent != percent:
            self.world.stop("conductor-1")
            self.world.start("conductor-1", step_percent=percent)
            self.percent = percent

    def is_struck(self, victim, how):
        process = self.world.running[victim]
        return process.poll() is not None if how == "kill" else is_stopped(process.pid)

    def struck(self, case, victim, links):
        """The threads that ask, and when the fault struck; None when the survivor did all the work."""
        point = f"{'conductor' if case.victim == 'conductor' else 'agent'}.{case.point}" + (f"@{case.mark}" if case.mark else "")
        self.world.start(victim, environ={"ATLAS_FAILPOINTS": f"{point}={case.how}"}, step_percent=self.percent)
        queue = "atlas-conductor" if case.victim == "conductor" else f"atlas-agent.{case.victim}"
        wait_until(lambda: self.world.waiting(queue)[0][1] == 2, 10, f"{victim} at {queue}")
        threads = self.each(links, getattr(self, case.stage.ask))
        end, rest_end = time.monotonic() + PATIENCE_S, None
        while not self.is_struck(victim, case.how):
            assert time.monotonic() < end and not self.broken, self.broken or "no end"
            if not rest_end and self.at_rest(threads):
                rest_end = time.monotonic() + LATE_S
            if rest_end and time.monotonic() > rest_end:
                return None, 0
            time.sleep(0.005)
        return threads, time.monotonic()

    def rested(self, threads, began, limit_s):
        """How long after 'began' nothing was under way; None when that is longer than it may be."""
        while not self.at_rest(threads):
            if time.monotonic() > began + limit_s:
                return None
            time.sleep(0.01)
        return time.monotonic() - began

    def bury(self, case, victim):
        """The fault really was what it had to be; a program that stood still goes on, works, and ends well."""
        process = self.world.running[victim]
        if case.how == "kill":
            assert process.wait(5) == -signal.SIGKILL
            del self.world.running[victim]
        else:
            assert is_stopped(process.pid)
            os.kill(process.pid, signal.SIGCONT)
            time.sleep(0.3)  # it does what it was about to
            self.world.stop(victim)
        assert f"action={case.how}" in self.world.log(victim).rpartition("event=failpoint")[2]

    def recover(self, victim):
        """Whatever became of the case before, this one is not to suffer for it."""
        self.broken.clear()
        for name in [name for name in self.world.running if name.endswith("-2")]:
            self.world.running[name].kill()
            self.world.running.pop(name).wait()
        queue = "atlas-conductor" if victim == "conductor" else f"atlas-agent.{victim}"
        wait_until(lambda: self.world.waiting(queue)[0][1] == 1, 30, f"one left at {queue}")
        ill = {name for name, in self.rows("SELECT name FROM vlink WHERE provisioning <> 1 OR operating <> 0")}
        self.forget([link for link in self.links if link.name in ill])

    def run(self, case):
        """How long the work took to end after the fault."""
        self.recover(case.victim)
        self.deadlines(SHORT_PERCENT if is_slow(case.stage) else 100)
        victim = f"{case.victim}-2"
        for _ in range(TRIES):
            links = self.some(case.stage.ready)
            with self.amiss(case.stage.amiss, links):
                threads, began = self.struck(case, victim, links)
                if threads:
                    took_s = self.rested(threads, began, STOP_S if case.how == "stop" else PATIENCE_S)
                    if case.how == "stop":
                        time.sleep(max(0.0, began + RESEND_S - time.monotonic()))
                    self.bury(case, victim)
                    took_s = took_s or self.rested(threads, began, PATIENCE_S)
                    assert took_s, f"no end of what {victim} left"
            if not threads:
                self.world.stop(victim)
            self.judge(case, links)
            if threads:
                return took_s
        raise AssertionError(f"in {TRIES} tries {victim} never came to {case.point} of row {case.row}")

    def none_failed(self):
        failed = self.rows("SELECT id::text, link_id::text FROM operation WHERE result = 2 AND NOT (link_id = ANY(%s::uuid[]))", self.may_fail)
        self.may_fail += [link for _, link in failed]  # each is told once
        assert not failed, [self.story(link) for _, link in failed]

    def story(self, link):
        """What the history says of it, for who reads a failure."""
        return self.rows("SELECT flow_row, to_state, at_ms - min(at_ms) OVER (), reason FROM event WHERE object_id = %s ORDER BY id", link)

    def judge(self, case, links):
        """What became of the links, then of all."""
        ids = [link.id for link in links]
        fails = bool(case.stage.amiss) or "much" in case.stage.ask
        if fails:
            self.may_fail += ids
        if case.stage.ask == "delete" and not case.stage.amiss:
            for link in links:
                self.world.links.discard(link.name)
                self.links.remove(link)
        assert self.one("SELECT count(*) FROM event WHERE flow_row = %s AND object_id = ANY(%s::uuid[])", case.row, ids) > 0
        again = [pos for pos, row in flow_rows().items() if row["state"] != row["next"]]
        assert not self.rows("SELECT operation_id, flow_row FROM event WHERE object_id = ANY(%s::uuid[]) AND flow_row = ANY(%s) "
                             "GROUP BY 1, 2 HAVING count(*) > 1", ids, again), "a transition was stored twice"
        if case.stage.amiss.startswith("gateways"):  # one that hung is looked at before it is asked for anything
            wait_until(lambda: not self.one("SELECT count(*) FROM gateway WHERE NOT reachable OR inflight_seq <> 0 OR reason <> ''"),
                       PATIENCE_S, "gateways that work again")
        if fails or case.stage.ask == "disable":
            self.forget(links)
        self.none_failed()
        check(self.world, self, but=("operations failed",))
        if len(self.links) > 100:
            self.forget(list(self.links))


@pytest.fixture(scope="module")
def matrix(matrix_world):
    return Matrix(matrix_world)


def test_every_row_of_every_workflow_is_in_the_matrix_or_said_not_to_be():
    assert set(flow_rows()) == set(STAGE_OF) | set(NOT_HERE)
    assert not set(STAGE_OF) & set(NOT_HERE)


@pytest.mark.parametrize("case", wanted_cases(), ids=name_of)
def test_the_work_goes_on(matrix, case):
    took_s = matrix.run(case)
    if not is_slow(case.stage):
        matrix.resumed[case.how].append(took_s)


def test_it_went_on_soon(matrix, say):
    said = []
    for how, limit_s in (("kill", 5), ("stop", 20)):
        each = sorted(matrix.resumed[how])
        assert each, how
        p99 = each[int(0.99 * (len(each) - 1) + 0.5)]
        said.append(f"{len(each)} by {how}: p50 {statistics.median(each):.2f} s, p99 {p99:.2f} s")
        assert p99 < limit_s, each
    say("work ended after the fault, " + "; ".join(said))
