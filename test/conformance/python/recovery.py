"""What holds of a client that moves to another gateway."""

import asyncio

from centrifuge import StreamPosition

from world import numbers, same


async def recovers(world):
    channel = world.channel("room")
    reader = await world.connect(world.mesh.moving, "")
    writer = await world.connect(world.mesh.gateways[1], "")
    await reader.subscribe(channel)
    await writer.publish(channel, *numbers(0, 3))
    await reader.wait("publication", channel, 3)
    for first in range(3, 12, 3):
        await world.move(writer.publish(channel, *numbers(first, first + 3)))
        await reader.wait("publication", channel, first + 3)
    await writer.publish(channel, *numbers(12, 14))
    same("publications", await reader.values(channel, 14), numbers(0, 14))
    for again in (await reader.wait("subscribed", channel, 4))[1:]:
        assert again.was_recovering and again.recovered, again


async def recovers_nothing(world):
    channel = world.channel("capped")
    reader = await world.connect(world.mesh.moving, "")
    writer = await world.connect(world.mesh.gateways[1], "")
    await reader.subscribe(channel)
    await writer.publish(channel, *numbers(0, 2))
    await reader.wait("publication", channel, 2)
    await world.move(writer.publish(channel, *numbers(2, 12)))
    again = (await reader.wait("subscribed", channel, 2))[1]
    assert again.was_recovering and not again.recovered, again
    await writer.publish(channel, {"n": 12})
    same("publications", await reader.values(channel, 3), [{"n": 0}, {"n": 1}, {"n": 12}])


async def moves_under_load(world):
    count, channel = 300, world.channel("room")
    reader = await world.connect(world.mesh.moving, "")
    writer = await world.connect(world.mesh.gateways[1], "")
    await reader.subscribe(channel)
    writing = asyncio.create_task(writer.publish(channel, *numbers(0, count)))
    for moves in range(1, 5):
        await reader.wait("publication", channel, moves * count // 6)
        await world.move()
        await reader.wait("subscribed", channel, moves + 1)
    await writing
    same("publications", await reader.values(channel, count), numbers(0, count))


async def server_side_recovers(world):
    user = world.name("ana")
    channel = f"room:#{user}"
    reader = await world.connect(world.mesh.moving, user)
    first = await reader.first("server subscribed", channel)
    assert first.recoverable and not first.was_recovering, first
    await world.server_publishes(channel, {"n": 0})
    await reader.first("server publication", channel)

    async def meanwhile():
        await world.server_publishes(channel, {"n": 1})
        await world.server_publishes(channel, {"n": 2})

    await world.move(meanwhile())
    same("publications", await reader.values(channel, 3, "server publication"), numbers(0, 3))
    again = (await reader.wait("server subscribed", channel, 2))[1]
    assert again.was_recovering and again.recovered, again


async def server_side_later(world):
    user, channel = world.name("ana"), world.channel("room")
    reader = await world.connect(world.mesh.gateways[0], user)
    await world.ask("subscribe", user=user, channel=channel)
    assert (await reader.first("server subscribed", channel)).recoverable
    await world.server_publishes(channel, {"n": 0})
    same("publications", await reader.values(channel, 1, "server publication"), numbers(0, 1))
    await world.ask("unsubscribe", user=user, channel=channel, code=2000, reason="enough")
    await reader.first("server unsubscribed", channel)


async def begins_at_state(world):
    channel = world.channel("room")
    reader = await world.connect(world.mesh.gateways[0], "")
    await reader.publish(channel, *numbers(0, 2))

    async def get_state(_):
        place = await reader.sdk.history(channel)
        await reader.publish(channel, *numbers(2, 4))  # after the state was read, before it is subscribed
        return StreamPosition(offset=place.offset, epoch=place.epoch)

    await reader.subscribe(channel, get_state=get_state)
    await reader.publish(channel, {"n": 4})
    same("publications", await reader.values(channel, 3), numbers(2, 5))


async def asks_for_state_anew(world):
    channel, asked = world.channel("capped"), []
    reader = await world.connect(world.mesh.moving, "")
    writer = await world.connect(world.mesh.gateways[1], "")

    async def get_state(_):
        asked.append(1)
        place = await writer.sdk.history(channel)
        return StreamPosition(offset=place.offset, epoch=place.epoch)

    await reader.subscribe(channel, get_state=get_state)
    await writer.publish(channel, {"n": 0})
    await reader.wait("publication", channel)
    await world.move(writer.publish(channel, *numbers(1, 12)))
    await reader.wait("subscribed", channel, 2)
    same("how often it asked", len(asked), 2)
    await writer.publish(channel, {"n": 12})
    same("publications", await reader.values(channel, 2), [{"n": 0}, {"n": 12}])


LAWS = [
    ("[7.5] comes back on another gateway with what it missed: no hole, no double", recovers),
    ("[7.5] where more was missed than is kept it is told so, and goes on from now", recovers_nothing),
    ("[7.5] what is published while it moves from gateway to gateway comes once, in order", moves_under_load),
    ("[11.3] a channel that the server chose comes with connect, and after a move with what was missed", server_side_recovers),
    ("[10.2] a channel that the server adds and takes away later is told as both", server_side_later),
    ("[7.9] begins where the app's own state ends", begins_at_state),
    ("[7.9] asks for the state anew where its position is unrecoverable: 112", asks_for_state_anew),
]
