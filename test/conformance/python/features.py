"""What holds of patches, filters, values and bytes."""

from centrifuge import DeltaType, Filter

from world import numbers, same


def value(n):
    return {"n": n, "text": "жизнь 🙂 " * 12 + chr(ord("а") + n % 30), "tail": "x" * 60}


def values(first, last):
    return [value(n) for n in range(first, last)]


async def patches(world):
    channel = world.channel("patched")
    with_patches = await world.connect(world.mesh.gateways[0], "")
    without = await world.connect(world.mesh.gateways[0], "")
    writer = await world.connect(world.mesh.gateways[1], "")
    await with_patches.subscribe(channel, delta=DeltaType.FOSSIL)
    await without.subscribe(channel)
    await writer.publish(channel, *values(0, 20))
    same("with patches", await with_patches.values(channel, 20), values(0, 20))
    same("without", await without.values(channel, 20), values(0, 20))
    patched = [one.pub.delta for one in with_patches.told("publication", channel)]
    same("what came as a patch", patched, [False, *[True] * 19])


async def patches_after_move(world):
    channel = world.channel("patched")
    reader = await world.connect(world.mesh.moving, "")
    writer = await world.connect(world.mesh.gateways[1], "")
    await reader.subscribe(channel, delta=DeltaType.FOSSIL)
    await writer.publish(channel, *values(0, 3))
    await reader.wait("publication", channel, 3)
    await world.move(writer.publish(channel, *values(3, 6)))
    await reader.wait("publication", channel, 6)
    await world.move()
    await reader.wait("subscribed", channel, 3)
    await writer.publish(channel, *values(6, 9))
    same("publications", await reader.values(channel, 9), values(0, 9))


TAGS = [
    "colour=red,price=10.5",
    "colour=red,size=2,price=11",
    "price=99",
    "colour=blue,price=9.99",
    "colour=blue,price=100",
]


async def filters(world):
    channel = world.channel("tagged")
    reader = await world.connect(world.mesh.moving, "")
    tags_filter = Filter.all(
        Filter.is_in("colour", ["red", "blue"]),
        Filter.negate(Filter.eq("size", "2")),
        Filter.gte("price", "10.5"),
    )
    await reader.subscribe(channel, tags_filter=tags_filter)

    async def some(first):
        for n, tags in enumerate(TAGS):
            await world.server_publishes(channel, {"n": first + n}, tags)

    await some(0)
    await reader.wait("publication", channel, 2)
    await world.move(some(10))
    await reader.wait("publication", channel, 4)
    await some(20)
    same("publications", await reader.values(channel, 6), [{"n": n} for n in (0, 4, 10, 14, 20, 24)])
    same("tags", (await reader.first("publication", channel)).pub.tags["colour"], "red")
    assert (await reader.wait("subscribed", channel, 2))[1].recovered


async def filter_refused(world):
    channel = world.channel("room")
    reader = await world.connect(world.mesh.gateways[0], "")
    await (await reader.subscription(channel, tags_filter=Filter.eq("colour", "red"))).subscribe()
    same("the code", (await reader.first("unsubscribed", channel)).code, 107)


async def newest_value(world):
    channel = world.channel("value")
    reader = await world.connect(world.mesh.moving, "")
    writer = await world.connect(world.mesh.gateways[1], "")
    await reader.subscribe(channel)
    await writer.publish(channel, {"n": 0})
    await reader.wait("publication", channel)
    await world.move(writer.publish(channel, *numbers(1, 30)))
    assert (await reader.wait("subscribed", channel, 2))[1].recovered
    await writer.publish(channel, {"n": 30})
    same("publications", await reader.values(channel, 3), [{"n": 0}, {"n": 29}, {"n": 30}])


BYTES_NO_JSON = b'\x00\x01\x02\xff\xfe\n"\x80'


async def passes_bytes(world):
    channel = world.channel("raw")
    reader = await world.connect(world.mesh.gateways[0], "")
    writer = await world.connect(world.mesh.gateways[1], "")
    await reader.subscribe(channel)
    await writer.sdk.publish(channel, BYTES_NO_JSON)
    same("live", (await reader.first("publication", channel)).pub.data, BYTES_NO_JSON)
    kept = await reader.sdk.history(channel, limit=1)
    same("kept", kept.publications[0].data, BYTES_NO_JSON)


async def ends_for_bytes(world):
    channel = world.channel("raw")
    reader = await world.connect(world.mesh.gateways[0], "")
    await reader.subscribe(channel)
    await world.ask("publish-bytes", channel=channel)
    same("the code", (await reader.first("disconnected")).code, 3506)


LAWS = [
    ("[8.4] patches bring what was published, to readers with and without them, letters of all sizes", patches),
    ("[8.3] patches go on after a move to another gateway", patches_after_move),
    ("[14.3] only publications whose tags match come, recovered ones too", filters),
    ("[14.1] a filter where the namespace allows none is 107", filter_refused),
    ("[7.7] of a channel that is one value the newest comes, however much was missed", newest_value),
]


def laws_in(encoding):
    if encoding == "protobuf":
        return [*LAWS, ("[2.11] bytes that are no JSON pass as they are", passes_bytes)]
    return [*LAWS, ("[6.3] bytes that are no JSON end a client that speaks JSON, with 3506", ends_for_bytes)]
