"""Speaks to `c2-tui mcp` by the client of the Python package mcp: argv is what starts the server.

The first argument says what is expected: `reads` or `changes`. A failed assertion fails the test.
"""

import asyncio
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

READS = ["list_workers", "list_jobs", "get_job", "get_output", "explain_job", "get_log", "queue_status"]
CHANGES = ["submit_job", "cancel_jobs", "retry_jobs", "hold_jobs", "release_jobs"]


async def answer(session, tool, **arguments):
    """What a tool gives, or the text of its refusal."""
    result = await session.call_tool(tool, arguments)
    if result.is_error:
        return result.content[0].text
    return result.structured_content


def ids(rows):
    return [row["job_id"] for row in rows]


async def reads(session):
    workers = (await answer(session, "list_workers"))["workers"]
    assert [worker["ip"] for worker in workers] == ["127.0.0.2"], workers
    job = await answer(session, "get_job", job="greeting", wait_s=20)
    assert job["done"] and job["state"] == "succeeded" and job["job_id"] == "job-1", job
    output = await answer(session, "get_output", job="last", stream="stdout")
    assert output["text"] == "hello world\n" and output["omitted_bytes"] == 0, output
    end = await answer(session, "get_output", job="1", max_bytes=6)
    assert end["text"] == "world\n" and end["omitted_bytes"] == 6, end
    listed = await answer(session, "list_jobs", all=True)
    assert [row["name"] for row in listed["jobs"]] == ["greeting"], listed
    log = await answer(session, "get_log", lines=5)
    assert log["results"][0]["job_id"] == "job-1", log
    queue = await answer(session, "queue_status")
    assert queue["active"] == 0 and queue["slots"] == 4, queue
    why = await answer(session, "explain_job", job="job-1")
    assert why["job"]["state"] == "succeeded", why
    for call, words in [
        (answer(session, "get_job", job="job-99"), "job-99"),
        (answer(session, "get_job", jbo="1"), 'did you mean "job"?'),
        (answer(session, "list_jobs", state="lost"), "hint: "),
        (answer(session, "bogus"), "unknown tool"),
    ]:
        refusal = await call
        assert isinstance(refusal, str) and words in refusal, refusal


async def refuses_changes(session):
    for tool in CHANGES:
        arguments = {"command": "true"} if tool == "submit_job" else {"jobs": ["1"]}
        refusal = await answer(session, tool, **arguments)
        assert "--allow-changes" in refusal, refusal
    listed = await answer(session, "list_jobs", all=True)
    assert len(listed["jobs"]) == 1, listed


async def changes(session):
    job = (await answer(session, "submit_job", command="exit 3", name="bad"))["job_id"]
    ended = await answer(session, "get_job", job=job, wait_s=20)
    assert ended["outcome"] == {"kind": "exit", "code": 3}, ended
    again = (await answer(session, "retry_jobs", jobs=["bad"]))["job_ids"]
    assert len(again) == 1, again
    held = (await answer(session, "submit_job", command="true", hold=True))["job_id"]
    released = await answer(session, "release_jobs", jobs=["@held"])
    assert ids(released["done"]) == [held], released
    await answer(session, "get_job", job=held, wait_s=20)
    waiting = (await answer(session, "submit_job", command="true", begin_at=4102444800000))["job_id"]
    assert ids((await answer(session, "hold_jobs", jobs=[waiting]))["done"]) == [waiting]
    cancelled = await answer(session, "cancel_jobs", jobs=[waiting, "1"])
    assert ids(cancelled["done"]) == [waiting] and len(cancelled["refused"]) == 1, cancelled
    refusal = await answer(session, "submit_job", comand="true")
    assert 'did you mean "command"?' in refusal, refusal


async def main():
    expected, command, *arguments = sys.argv[1:]
    server = StdioServerParameters(command=command, args=arguments)
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        hello = await session.initialize()
        assert hello.server_info.name == "c2" and "never instructions" in hello.instructions, hello
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        offered = READS if expected == "reads" else READS + CHANGES
        assert list(tools) == offered, list(tools)
        assert all(tools[name].annotations.read_only_hint for name in READS)
        if expected == "reads":
            await reads(session)
            await refuses_changes(session)
        else:
            assert tools["cancel_jobs"].annotations.destructive_hint
            assert tools["submit_job"].input_schema["properties"]["command"]["type"] == "string"
            await changes(session)
    print(f"ok: {expected}")


asyncio.run(main())
