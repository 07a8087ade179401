"""One law's clients and names, and the door to what no client can do."""

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request

from centrifuge import Client, ClientEventHandler, SubscriptionEventHandler

PATIENCE = 8.0


class Mesh:
    def __init__(self, encoding, run, control, moving, *gateways):
        self.encoding = encoding
        self.run = run
        self.control = control
        self.moving = moving
        self.gateways = gateways

    @property
    def is_protobuf(self):
        return self.encoding == "protobuf"

    def data(self, value):
        """As this encoding's users give data to the SDK."""
        return json.dumps(value).encode() if self.is_protobuf else value

    def value(self, data):
        return json.loads(data) if self.is_protobuf else data


class World:
    def __init__(self, mesh, law):
        self.mesh = mesh
        self.law = law
        self.clients = []

    def name(self, what):
        return f"{self.mesh.run}-{self.law}-{what}"

    def channel(self, namespace):
        return f"{namespace}:{self.name('a')}"

    async def ask(self, what, **params):
        """Asks the test for what no client can do; the answer's text."""
        query = urllib.parse.urlencode({"run": self.mesh.run, **params})
        return await asyncio.to_thread(post, f"{self.mesh.control}/{what}?{query}")

    async def token(self, user, **params):
        return await self.ask("token", user=user, **params)

    async def server_publishes(self, channel, value, tags=""):
        await self.ask("publish", channel=channel, data=json.dumps(value), tags=tags)

    async def move(self, meanwhile=None):
        """Away from every gateway while `meanwhile` happens, then on the other one."""
        await self.ask("leave")
        if meanwhile is not None:
            await meanwhile
        await self.ask("arrive")

    def client(self, address, **options):
        """Not connected yet."""
        one = Journal(self.mesh, address, **options)
        self.clients.append(one)
        return one

    async def connect(self, address, user):
        """Of a user, or of nobody."""
        one = self.client(address, **({"token": await self.token(user)} if user else {}))
        await one.connected()
        return one

    async def end(self):
        for one in self.clients:
            await one.sdk.disconnect()


def post(url):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=PATIENCE) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.read().decode()}") from None


class Journal:
    """A client that writes down what its SDK tells: kind, channel and event, in their order."""

    def __init__(self, mesh, address, **options):
        self.mesh = mesh
        self.entries = []
        self.changed = asyncio.Condition()
        self.sdk = Client(
            address,
            events=listener(ClientEventHandler, self.write),
            use_protobuf=mesh.is_protobuf,
            min_reconnect_delay=0.02,
            max_reconnect_delay=0.2,
            proxy=None,
            **options,
        )

    def __str__(self):
        return "; ".join(f"{kind} {channel} {event}" for kind, channel, event in self.entries)

    async def write(self, kind, channel, event):
        async with self.changed:
            self.entries.append((kind, channel, event))
            self.changed.notify_all()

    def told(self, kind, channel=""):
        return [event for of, about, event in self.entries if (of, about) == (kind, channel)]

    async def wait(self, kind, channel="", count=1):
        """All of a kind, once there are so many."""
        try:
            async with asyncio.timeout(PATIENCE), self.changed:
                await self.changed.wait_for(lambda: len(self.told(kind, channel)) >= count)
        except TimeoutError:
            raise AssertionError(f"waited for {count} of {kind} {channel} in vain; told: {self}") from None
        return self.told(kind, channel)

    async def first(self, kind, channel=""):
        return (await self.wait(kind, channel))[0]

    async def values(self, channel, count, kind="publication"):
        return [self.mesh.value(one.pub.data) for one in await self.wait(kind, channel, count)]

    async def connected(self):
        await self.sdk.connect()
        return await self.first("connected")

    async def subscription(self, channel, **options):
        events = listener(SubscriptionEventHandler, self.write, channel)
        return self.sdk.new_subscription(
            channel, events=events, min_resubscribe_delay=0.02, max_resubscribe_delay=0.2, **options
        )

    async def subscribe(self, channel, **options):
        one = await self.subscription(channel, **options)
        await one.subscribe()
        await self.first("subscribed", channel)
        return one

    async def publish(self, channel, *values):
        for value in values:
            await self.sdk.publish(channel, self.mesh.data(value))


def listener(base, write, channel=None):
    """An event handler of the SDK that writes everything down. What is told of a client's server-side channels has them by name."""

    def telling(kind):
        async def tell(_, event):
            of = getattr(event, "channel", "") if channel is None else channel
            await write(f"server {kind}" if channel is None and of else kind, of, event)

        return tell

    kinds = [name.removeprefix("on_") for name in vars(base) if name.startswith("on_")]
    return type("Listener", (base,), {f"on_{kind}": telling(kind) for kind in kinds})()


def same(what, got, wanted):
    assert got == wanted, f"{what}: got {got!r}, wanted {wanted!r}"


def numbers(first, last):
    return [{"n": n} for n in range(first, last)]


async def refused_with(code, awaitable):
    from centrifuge import ReplyError

    try:
        await awaitable
    except ReplyError as error:
        same("the code", error.code, code)
    else:
        raise AssertionError(f"no error {code}")


async def eventually(what, ask):
    """Nothing tells when presence of another gateway has arrived: asked until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not await ask():
            await asyncio.sleep(0.01)
