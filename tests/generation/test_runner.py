"""Requests to answers, against real servers with faults."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import Failure
from synthmix.generation.budget import Budget
from synthmix.generation.client import OpenAIEndpoint
from synthmix.generation.concurrency import Concurrency
from synthmix.generation.endpoints import EndpointState
from synthmix.generation.failures import RunCounts
from synthmix.generation.journal import Journal
from synthmix.generation.prompts import Prompt, Reply
from synthmix.generation.queue import Queue
from synthmix.generation.runner import Retries, Runner, run_in_process

Requests = Callable[..., list[Prompt]]
QUICK = Retries(most=8, first=0.001, longest=0.01)
AT_ONCE = ("429", "503", "500", "reset", "reset-late", "truncated", "cut-json", "malformed", "html")


class Job:
    """One run of requests in a folder."""

    def __init__(self, folder: Path, urls: Sequence[str], **options: Any) -> None:
        self.folder, self.urls, self.options = folder, urls, options
        self.runner: Runner

    def run(self, prompts: Sequence[Prompt], *, target: int | None = None, **budgets: Any) -> RunCounts:
        journal = Journal(self.folder, retry_failed=self.options.pop("retry_failed", False))
        budget = Budget(log=self.folder / "spending-local.log", **budgets)
        budget.charge(journal.input_tokens, journal.output_tokens)
        timeout = self.options.pop("timeout", 60.0)

        async def work() -> RunCounts:
            endpoints = [OpenAIEndpoint(url, "stub", timeout=timeout) for url in self.urls]
            self.runner = Runner(endpoints, journal, budget, **{"retries": QUICK, **self.options})
            try:
                return await self.runner.run(Queue(iter(prompts), journal, target))
            finally:
                for endpoint in endpoints:
                    await endpoint.close()

        try:
            return asyncio.run(work())
        finally:
            self.answers = {prompt.key: journal.reply(prompt.key) for prompt in prompts}
            self.failures = list(journal.failures())
            self.budget = budget
            budget.close()
            journal.close()


def test_every_request_is_answered_once(stub: str, tmp_path: Path, make_requests: Requests) -> None:
    prompts, job = make_requests(300), Job(tmp_path, [stub])
    counts = job.run([*prompts, *prompts[:50]])
    assert (counts.answered, counts.failed, counts.skipped, counts.retried) == (300, 0, 50, 0)
    assert None not in job.answers.values()
    assert counts.output_tokens == sum(reply.output_tokens for reply in job.answers.values() if reply)
    again = job.run(prompts)
    assert (again.answered, again.skipped) == (0, 300)


def test_with_a_third_of_all_answers_spoiled_nothing_is_lost_and_failures_are_listed(
    serve: Callable[..., str], stub: str, tmp_path: Path, make_requests: Requests
) -> None:
    proxy = serve("fault_proxy", stub, "--rate", 0.33, "--retry-after", 0.01, "--only", *AT_ONCE)
    prompts = make_requests(400)
    bad = [Prompt(**{**vars(p), "messages": ({"role": "user", "content": "poison"},)}) for p in make_requests(4)]
    job = Job(tmp_path, [proxy])
    counts = job.run([*prompts[:200], *bad, *prompts[200:]])
    assert counts.answered + counts.failed == 404
    assert counts.retried > 100
    failed = {failure["key"] for failure in job.failures}
    assert {prompt.key for prompt in bad} <= failed
    assert failed == {key for key, reply in job.answers.items() if reply is None}
    assert len(failed) <= 8, "eight further tries: a chance of 1 in 20,000 each"
    # Every answer is that of its own request: the stub says the words of the prompt.
    for prompt in prompts:
        reply = job.answers[prompt.key]
        assert reply is None or prompt.messages[0]["content"].split()[-1] in reply.text


def test_answers_that_do_not_come_are_asked_for_again(
    serve: Callable[..., str], stub: str, tmp_path: Path, make_requests: Requests
) -> None:
    proxy = serve("fault_proxy", stub, "--rate", 0.5, "--hang", 5, "--only", "hang", "trickle")
    job = Job(tmp_path, [proxy], timeout=0.3, retries=Retries(most=100, first=0.001, longest=0.01))
    counts = job.run(make_requests(8))
    assert counts.answered == 8
    assert counts.retried > 0


def test_failed_requests_are_asked_again_only_when_that_is_said(
    serve: Callable[..., str], stub: str, tmp_path: Path, make_requests: Requests
) -> None:
    prompts = make_requests(8)
    broken = serve("fault_proxy", stub, "--rate", 1, "--only", "500")
    job = Job(tmp_path, [broken], retries=Retries(most=1, first=0.001))
    assert job.run(prompts).failed == 8
    assert {failure["attempts"] for failure in job.failures} == {2}
    assert Job(tmp_path, [stub]).run(prompts).skipped == 8
    assert Job(tmp_path, [stub], retry_failed=True).run(prompts).answered == 8


def test_it_stops_when_half_of_the_requests_fail(
    serve: Callable[..., str], stub: str, tmp_path: Path, make_requests: Requests
) -> None:
    broken = serve("fault_proxy", stub, "--rate", 1, "--only", "malformed")
    job = Job(tmp_path, [broken], retries=Retries(most=0))
    with pytest.raises(Failure, match="20 of the last 20 requests failed, the last one: broken reply, no message in"):
        job.run(make_requests(500))
    assert 20 <= len(job.failures) < 100


def test_two_endpoints_share_the_work_and_one_that_is_gone_is_done_without(
    serve: Callable[..., str], stub: str, tmp_path: Path, make_requests: Requests, told: Callable[..., dict[str, int]]
) -> None:
    slow = [serve("stub_server", "--latency", 0.01, 0.02, "--capacity", 8) for _ in range(2)]
    assert Job(tmp_path / "a", slow).run(make_requests(300)).answered == 300
    shares = [told(url)["answered"] for url in slow]
    assert sum(shares) == 300
    assert min(shares) > 75
    wrong = serve("stub_server", "--key", "other")
    job = Job(tmp_path / "b", [wrong, "http://127.0.0.1:9/v1", stub])
    assert job.run(make_requests(100)).answered == 100
    assert [endpoint.dead for endpoint in job.runner.endpoints] == [True, False, False]


def test_when_no_endpoint_is_left_it_says_so_and_keeps_what_it_has(
    serve: Callable[..., str], tmp_path: Path, make_requests: Requests
) -> None:
    wrong = serve("stub_server", "--key", "other")
    job = Job(tmp_path, [wrong])
    with pytest.raises(Failure, match=r"refuses the key \(HTTP 401.*; answers are kept"):
        job.run(make_requests(10))
    assert not job.failures


@pytest.mark.parametrize("budgets", [{"tokens": 3000}, {"money": 0.003}])
def test_a_budget_is_never_passed(stub: str, tmp_path: Path, make_requests: Requests, budgets: dict[str, Any]) -> None:
    from synthmix.generation.budget import Prices

    prices = Prices(1.0, 1.0) if "money" in budgets else None
    job = Job(tmp_path, [stub])
    counts = job.run(make_requests(1000), prices=prices, **budgets)
    assert counts.stopped == "budget"
    spent = counts.input_tokens + counts.output_tokens
    assert 2500 < spent <= 3000
    assert job.run(make_requests(1000), prices=prices, **budgets).answered == 0


def test_a_budget_counts_tries_without_an_answer(
    serve: Callable[..., str], stub: str, tmp_path: Path, make_requests: Requests, told: Callable[..., dict[str, int]]
) -> None:
    server = serve("stub_server")
    proxy = serve("fault_proxy", server, "--rate", 0.5, "--only", "cut-json", "reset-late")
    job = Job(tmp_path, [proxy])
    assert job.run(make_requests(1000), tokens=8000).stopped == "budget"
    counted = told(server)
    assert counted["input_tokens"] + counted["output_tokens"] <= 8000, "also what was answered and lost"
    assert job.budget.lost_output > 0


def test_a_target_ends_the_run_between_documents(stub: str, tmp_path: Path, make_requests: Requests) -> None:
    job = Job(tmp_path, [stub])
    counts = job.run(make_requests(1000), target=700)
    assert counts.stopped == "target"
    assert 700 <= counts.output_tokens <= 700 + 7 * 40
    assert job.run(make_requests(1000), target=700).answered == 0


def test_a_server_that_comes_late_is_waited_for(stub: str, tmp_path: Path, make_requests: Requests) -> None:
    class Late:
        """Unreachable at first."""

        left = 5

        def __init__(self) -> None:
            self.identity: dict[str, Any] = {"endpoint": "late"}

        async def complete(self, prompt: Prompt) -> Reply:
            from synthmix.generation.failures import RequestFault

            self.left -= 1
            if self.left >= 0:
                raise RequestFault("unreachable", "refused", retry=True)
            return Reply(prompt.key, "text", "stop", 1, 1, "m", 0.0)

    journal = Journal(tmp_path)
    counts = asyncio.run(_run(Runner([Late()], journal, Budget(log=None), retries=QUICK), make_requests(5), journal))
    assert counts.answered == 5
    journal.close()


async def _run(runner: Runner, prompts: Sequence[Prompt], journal: Journal) -> RunCounts:
    return await runner.run(Queue(iter(prompts), journal))


def test_a_server_that_has_gone_is_given_up_after_a_while(tmp_path: Path, make_requests: Requests) -> None:
    now = 1000.0
    endpoint = EndpointState(OpenAIEndpoint("http://127.0.0.1:9/v1", "stub"), Concurrency())
    pauses = []
    while not endpoint.out_of_reach(now):
        assert not endpoint.out_of_reach(now), "what fails together counts once"
        pauses.append(endpoint.concurrency.paused_until - now)
        now = endpoint.concurrency.paused_until
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_wait_grows_up_to_a_limit_and_is_never_shorter_than_the_server_asks() -> None:
    retries = Retries(most=8, first=1.0, longest=10.0)
    for attempt, most in ((1, 1), (2, 2), (3, 4), (5, 10), (1000, 10)):
        waits = {retries.delay(attempt, None) for _ in range(50)}
        assert most / 2 <= min(waits) <= max(waits) <= most
        assert len(waits) > 1
    assert retries.delay(1, 30.0) == 30.0


def test_a_damaged_source_ends_it_after_its_first_documents(stub: str, tmp_path: Path, make_requests: Requests) -> None:
    def source() -> Iterator[Prompt]:
        yield from make_requests(40)
        raise ValueError("line 41")

    job = Job(tmp_path, [stub])
    journal = Journal(tmp_path)
    runner = Runner([OpenAIEndpoint(stub, "stub")], journal, Budget(log=None))
    with pytest.raises(ValueError, match="line 41"):
        asyncio.run(runner.run(Queue(source(), journal)))
    journal.close()
    assert job.run(make_requests(40)).answered + runner.counts.answered == 40


class Echo:
    """A generator in this process."""

    batch = 7

    def __init__(self) -> None:
        self.identity: dict[str, Any] = {"model": "echo"}

    def complete_many(self, prompts: Sequence[Prompt]) -> list[Reply]:
        assert len(prompts) <= self.batch
        return [Reply(p.key, p.source, "length", 10, 5, "echo", 0.1) for p in prompts]


def test_batches_in_this_process_have_the_same_journal_target_and_budget(
    tmp_path: Path, make_requests: Requests
) -> None:
    prompts = make_requests(50)
    seen: list[int] = []

    def run(target: int | None = None, tokens: int | None = None) -> RunCounts:
        journal = Journal(tmp_path)
        budget = Budget(tokens=tokens, log=tmp_path / "spending-local.log")
        budget.charge(journal.input_tokens, journal.output_tokens)
        queue = Queue(iter(prompts), journal, target)
        counts = run_in_process(Echo(), queue, journal, budget, lambda counts, at_once: seen.append(at_once))
        journal.close()
        return counts

    first = run(target=60)
    assert (first.answered, first.stopped, first.truncated) == (12, "target", 12)
    second = run(tokens=1000)
    assert second.stopped == "budget"
    assert second.skipped >= 12
    assert 15 * (12 + second.answered) <= 1000
    third = run()
    assert first.answered + second.answered + third.answered == 50
    assert max(seen) == 7
