"""What holds of connections, subscriptions and commands."""

import asyncio

from centrifuge import ClientState, StreamPosition

from world import PATIENCE, eventually, numbers, refused_with, same


async def connects(world):
    nobody = await (await world.connect(world.mesh.gateways[0], "")).first("connected")
    assert nobody.client and nobody.version, nobody
    user = world.name("ana")
    known = await world.connect(world.mesh.gateways[1], user)
    await known.subscribe(world.channel("room"))
    present = (await known.sdk.presence(world.channel("room"))).clients
    same("the user", present[(await known.first("connected")).client].user, user)


async def refuses_forged_tokens(world):
    forged = world.client(world.mesh.gateways[0], token=await world.token("ana") + "x")
    await forged.sdk.connect()
    same("the code", (await forged.first("disconnected")).code, 3500)


async def asks_for_another_token(world):
    asked = []

    async def get_token():
        asked.append(1)
        return await world.token("ana")

    late = world.client(world.mesh.gateways[0], token=await world.token("ana", ttl=-60), get_token=get_token)
    await late.connected()
    same("how often it asked", len(asked), 1)
    same("the error", (await late.first("error")).error.code, 109)


async def refreshes(world):
    refreshed = asyncio.Semaphore(0)

    async def get_token():
        refreshed.release()
        return await world.token("ana", ttl=2)

    brief = world.client(world.mesh.gateways[0], token=await world.token("ana", ttl=2), get_token=get_token)
    await brief.connected()
    for _ in range(2):  # the second is asked for only where the first was taken
        await asyncio.wait_for(refreshed.acquire(), PATIENCE)
    same("connections", len(brief.told("connected")), 1)
    await brief.sdk.history(world.channel("room"))


async def stays_away(world):
    user = world.name("ana")
    ended = await world.connect(world.mesh.gateways[0], user)
    await world.ask("disconnect", user=user, code=4501, reason="no more")
    why = await ended.first("disconnected")
    same("why", (why.code, why.reason), (4501, "no more"))
    same("its state", ended.sdk.state, ClientState.DISCONNECTED)


async def comes_back(world):
    user = world.name("ana")
    sent = await world.connect(world.mesh.gateways[0], user)
    await world.ask("disconnect", user=user, code=3011, reason="force reconnect")
    await sent.wait("connected", count=2)
    same("why", sent.told("connecting")[1].code, 3011)


async def subscribes(world):
    reader = await world.connect(world.mesh.gateways[0], "")
    await reader.subscribe(world.channel("room"))
    kept = await reader.first("subscribed", world.channel("room"))
    assert kept.recoverable and kept.positioned and kept.stream_position.epoch, kept
    assert not kept.was_recovering and not kept.recovered, kept
    await reader.subscribe(world.channel("live"))
    fleeting = await reader.first("subscribed", world.channel("live"))
    assert not fleeting.recoverable and not fleeting.positioned, fleeting


async def is_refused(world):
    reader = await world.connect(world.mesh.gateways[0], "")
    for namespace, code in (("closed", 103), ("nowhere", 102)):
        channel = world.channel(namespace)
        await (await reader.subscription(channel)).subscribe()
        same(namespace, (await reader.first("unsubscribed", channel)).code, code)


async def echoes(world):
    user, channel = world.name("ana"), world.channel("room")
    writer = await world.connect(world.mesh.gateways[0], user)
    await writer.subscribe(channel)
    await writer.publish(channel, {"n": 1})
    heard = (await writer.first("publication", channel)).pub
    same("the data", world.mesh.value(heard.data), {"n": 1})
    assert heard.offset > 0, heard
    same("who", (heard.info.user, heard.info.client), (user, (await writer.first("connected")).client))
    same("its connection's info", world.mesh.value(heard.info.conn_info), {"of": user})


async def keeps_order(world):
    reader = await world.connect(world.mesh.gateways[0], "")
    writer = await world.connect(world.mesh.gateways[1], "")
    for namespace in ("room", "live"):
        channel = world.channel(namespace)
        await reader.subscribe(channel)
        await writer.publish(channel, *numbers(0, 100))
        same(namespace, await reader.values(channel, 100), numbers(0, 100))


async def bursts(world):
    channel = world.channel("room")
    reader = await world.connect(world.mesh.gateways[0], "")
    writer = await world.connect(world.mesh.gateways[1], "")
    await reader.subscribe(channel)
    await asyncio.gather(*[writer.publish(channel, value) for value in numbers(0, 100)])
    heard = [one.pub for one in await reader.wait("publication", channel, 100)]
    offsets = [one.offset for one in heard]
    same("rising offsets", offsets, sorted(set(offsets)))
    values = sorted((world.mesh.value(one.data) for one in heard), key=lambda value: value["n"])
    same("publications", values, numbers(0, 100))


async def reads_history(world):
    channel = world.channel("room")
    writer = await world.connect(world.mesh.gateways[0], "")
    room = await writer.subscribe(channel)
    await writer.publish(channel, *numbers(0, 5))

    def values(history):
        return [world.mesh.value(one.data) for one in history.publications]

    place = await room.history()
    same("no publications without a limit", place.publications, [])
    assert place.epoch and place.offset > 0, place
    oldest = await room.history(limit=2)
    same("the oldest", values(oldest), numbers(0, 2))
    since = StreamPosition(offset=oldest.publications[1].offset, epoch=oldest.epoch)
    same("the rest", values(await room.history(limit=-1, since=since)), numbers(2, 5))
    newest = await room.history(limit=2, reverse=True)
    same("the newest", values(newest), [{"n": 4}, {"n": 3}])
    same("where it ends", newest.publications[0].offset, place.offset)


async def reads_no_other_epoch(world):
    reader = await world.connect(world.mesh.gateways[0], "")
    since = StreamPosition(offset=1, epoch="other")
    await refused_with(112, reader.sdk.history(world.channel("room"), limit=1, since=since))


async def sees_presence(world):
    channel = world.channel("room")
    here = await world.connect(world.mesh.gateways[0], world.name("ana"))
    there = await world.connect(world.mesh.gateways[1], world.name("ben"))
    room = await here.subscribe(channel)
    await there.subscribe(channel)

    async def both():
        users = sorted(one.user for one in (await room.presence()).clients.values())
        stats = await room.presence_stats()
        is_counted = (stats.num_clients, stats.num_users) == (2, 2)
        return users == [world.name("ana"), world.name("ben")] and is_counted

    await eventually("both", both)


async def hears_joins(world):
    channel = world.channel("room")
    here = await world.connect(world.mesh.gateways[0], "")
    there = await world.connect(world.mesh.gateways[1], "")
    await here.subscribe(channel, join_leave=True)
    await here.first("join", channel)  # its own: those of two gateways have no order
    joining = await there.subscribe(channel)
    me, other = [(await one.first("connected")).client for one in (here, there)]
    same("joins", [one.info.client for one in await here.wait("join", channel, 2)], [me, other])
    await joining.unsubscribe()
    same("leaves", [one.info.client for one in await here.wait("leave", channel)], [other])


async def calls_nobody(world):
    nobody = await world.connect(world.mesh.gateways[0], "")
    await refused_with(108, nobody.sdk.rpc("anything", world.mesh.data({})))


async def is_forbidden(world):
    nobody = await world.connect(world.mesh.gateways[0], "")
    await refused_with(103, nobody.publish(world.channel("closed"), {}))
    await refused_with(108, nobody.sdk.history(world.channel("live")))
    await refused_with(108, nobody.sdk.presence(world.channel("closed")))
    await refused_with(102, nobody.publish(world.channel("nowhere"), {}))


async def unsubscribes(world):
    channel, fence = world.channel("room"), world.channel("live")
    reader = await world.connect(world.mesh.gateways[0], "")
    room = await reader.subscribe(channel)
    await reader.subscribe(fence)
    await room.unsubscribe()
    same("why", (await reader.first("unsubscribed", channel)).code, 0)
    await world.server_publishes(channel, {"n": 1})
    await reader.publish(fence, {"n": 2})
    await reader.first("publication", fence)
    same("publications", reader.told("publication", channel), [])
    await room.subscribe()
    again = (await reader.wait("subscribed", channel, 2))[1]
    assert again.was_recovering and again.recovered, again
    same("what it missed", await reader.values(channel, 1), [{"n": 1}])


async def is_unsubscribed(world):
    user, channel = world.name("ana"), world.channel("room")
    reader = await world.connect(world.mesh.gateways[0], user)
    await reader.subscribe(channel)
    await world.ask("unsubscribe", user=user, channel=channel, code=2500, reason="insufficient state")
    await reader.wait("subscribed", channel, 2)
    same("why again", reader.told("subscribing", channel)[1].code, 2500)
    await world.ask("unsubscribe", user=user, channel=channel, code=2000, reason="enough")
    same("why no more", (await reader.first("unsubscribed", channel)).code, 2000)


LAWS = [
    ("[4.6] connects, as nobody and as who its token says", connects),
    ("[4.1] a token that nobody signed is the end, with 3500", refuses_forged_tokens),
    ("[4.1] an expired token is 109, after which it asks for another and connects", asks_for_another_token),
    ("[9.13] refreshes a token that runs out, and stays connected", refreshes),
    ("[6.2] a code that is terminal keeps it away", stays_away),
    ("[6.2] a code that is not brings it back", comes_back),
    ("[7.3] subscribes, and learns where the channel stands", subscribes),
    ("[7.2] subscribing where nobody may is 103, and in no namespace 102", is_refused),
    ("[9.2] hears its own publication, with who sent it", echoes),
    ("[7.4] a hundred publications come in their order, each once", keeps_order),
    ("[3.1] [2.13] a hundred commands at once are each answered, and what they publish comes once, offsets rising", bursts),
    ("[9.1] [9.15] reads history from either end, from a position, and the position alone", reads_history),
    ("[9.10] history since a position of another epoch is 112", reads_no_other_epoch),
    ("[9.8] [9.9] sees who is there, and how many", sees_presence),
    ("[10.1] hears who joins and who leaves, itself too", hears_joins),
    ("[9.11] rpc without any app is 108", calls_nobody),
    ("[6.4] what the namespace doesn't have is 108, what it forbids 103", is_forbidden),
    ("[3.9] unsubscribing ends it: nothing of the channel comes after", unsubscribes),
    ("[6.5] unsubscribed by the server with 2000 it stays so, with 2500 it subscribes again", is_unsubscribed),
]
