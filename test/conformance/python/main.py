"""The laws that the official Python SDK must see hold on a mesh, one line of JSON for each: {"name", "ok", "detail"}.

    main.py list <json|protobuf>
    main.py judge <json|protobuf> <run> <control> <moving url> <first gateway> <second gateway>

What an SDK cannot do (publish with tags, end a user, move the proxy to the other gateway) is asked of <control>. Names of users and
channels begin with <run>, so that several runs may share a mesh.
"""

import asyncio
import json
import sys
import time
import traceback

import features
import laws
import recovery
from world import Mesh, World

PINGS = "[5.2] answers the server's pings and stays connected"
# The mesh of the test pings every three seconds, and ends who hasn't answered when the next is due.
PINGS_TAKE = 7.0


async def broken(world, holds):
    """What a law raised, or nothing. A bare `assert` has no words: its line is told instead."""
    try:
        await holds(world)
        return None
    except AssertionError as error:
        return str(error) or traceback.format_exc(limit=-2)
    except Exception:  # a law must not end the others
        return traceback.format_exc(limit=-3)


async def report(name, world, holds):
    started = time.monotonic()
    detail = await broken(world, holds)
    await world.end()
    verdict = {"name": name, "ok": detail is None, "ms": round((time.monotonic() - started) * 1000)}
    print(json.dumps(verdict if detail is None else {**verdict, "detail": detail}), flush=True)


async def judge(mesh, all_laws):
    pinged = World(mesh, "pinged")
    client = await pinged.connect(mesh.gateways[0], "")
    started = time.monotonic()

    async def answers_pings(_):
        await asyncio.sleep(PINGS_TAKE - (time.monotonic() - started))
        assert len(client.told("connecting")) == 1, client

    for number, (name, holds) in enumerate(all_laws):
        await report(name, World(mesh, f"l{number}"), holds)
    await report(PINGS, pinged, answers_pings)


def main(arguments):
    encoding = arguments[1]
    all_laws = [*laws.LAWS, *recovery.LAWS, *features.laws_in(encoding)]
    if arguments[0] == "list":
        print("\n".join([name for name, _ in all_laws] + [PINGS]))
    else:
        asyncio.run(judge(Mesh(*arguments[1:]), all_laws))


main(sys.argv[1:])
