import io.github.centrifugal.centrifuge.*;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** The laws by their names, in the order in which they are judged. */
final class Laws {
  static Map<String, Main.Law> all() {
    Map<String, Main.Law> laws = new LinkedHashMap<>();
    laws.put("[4.6] connects, as nobody and as who its token says", Laws::connects);
    laws.put("[4.1] a token that nobody signed is the end, with 3500", Laws::refusesForgedTokens);
    laws.put("[4.1] an expired token is 109, after which it asks for another and connects", Laws::asksForAnotherToken);
    laws.put("[6.2] a code that is terminal keeps it away", Laws::staysAway);
    laws.put("[6.2] a code that is not brings it back", Laws::comesBack);
    laws.put("[7.3] subscribes, and learns where the channel stands", Laws::subscribes);
    laws.put("[7.2] subscribing where nobody may is 103, and in no namespace 102", Laws::isRefused);
    laws.put("[9.2] hears its own publication, with who sent it", Laws::echoes);
    laws.put("[7.4] a hundred publications come in their order, each once", Laws::keepsOrder);
    laws.put("[9.1] [9.15] reads history from either end", Laws::readsHistory);
    laws.put("[9.8] [9.9] sees who is there, and how many", Laws::seesPresence);
    laws.put("[10.1] hears who joins and who leaves, itself too", Laws::hearsJoins);
    laws.put("[9.11] rpc without any app is 108, and what a namespace forbids 103", Laws::isForbidden);
    laws.put("[7.5] comes back on another gateway with what it missed: no hole, no double", Laws::recovers);
    laws.put("[7.5] where more was missed than is kept it is told so, and goes on from now", Laws::recoversNothing);
    laws.put("[11.3] a channel that the server chose comes back with what was missed", Laws::serverSideRecovers);
    laws.put("[6.5] unsubscribed by the server with 2000 it stays so, with 2500 it subscribes again", Laws::isUnsubscribed);
    laws.put("[2.11] bytes that are no JSON pass as they are", Laws::passesBytes);
    return laws;
  }

  static void connects(World world) throws Exception {
    world.connect(world.gateways.get(0), "");
    var user = world.name("ana");
    var known = world.connect(world.gateways.get(1), user);
    known.subscribe(world.channel("room"), false);
    var present = known.<PresenceResult>done(callback -> known.sdk.presence(world.channel("room"), callback));
    World.same("the user", present.getClients().get(known.first("connected", "").text()).getUser(), user);
  }

  static void refusesForgedTokens(World world) throws Exception {
    var forged = world.client(world.gateways.get(0), world.token("ana") + "x");
    forged.sdk.connect();
    World.same("the code", forged.first("disconnected", "").text(), "3500");
  }

  static void asksForAnotherToken(World world) throws Exception {
    var asked = new AtomicInteger();
    var late =
        world.client(
            world.gateways.get(0),
            world.ask("token", "user", "ana", "ttl", "-60"),
            () -> {
              asked.incrementAndGet();
              return world.token("ana");
            });
    late.connected();
    World.same("how often it asked", asked.get(), 1);
  }

  static void staysAway(World world) throws Exception {
    var user = world.name("ana");
    var ended = world.connect(world.gateways.get(0), user);
    world.ask("disconnect", "user", user, "code", "4501", "reason", "no more");
    World.same("the code", ended.first("disconnected", "").text(), "4501");
    World.same("its state", ended.sdk.getState(), ClientState.DISCONNECTED);
  }

  static void comesBack(World world) throws Exception {
    var user = world.name("ana");
    var sent = world.connect(world.gateways.get(0), user);
    world.ask("disconnect", "user", user, "code", "3011", "reason", "force reconnect");
    sent.await("connected", "", 2);
    World.same("why", sent.texts("connecting", "", 2).get(1), "3011");
  }

  static void subscribes(World world) throws Exception {
    var reader = world.connect(world.gateways.get(0), "");
    reader.subscribe(world.channel("room"), false);
    var kept = (SubscribedEvent) reader.first("subscribed", world.channel("room")).event();
    World.holds("recoverable and positioned", kept.getRecoverable() && kept.getPositioned());
    World.holds("neither recovering nor recovered", !kept.wasRecovering() && !kept.getRecovered());
    reader.subscribe(world.channel("live"), false);
    var fleeting = (SubscribedEvent) reader.first("subscribed", world.channel("live")).event();
    World.holds("neither recoverable nor positioned", !fleeting.getRecoverable() && !fleeting.getPositioned());
  }

  static void isRefused(World world) throws Exception {
    var reader = world.connect(world.gateways.get(0), "");
    for (var one : Map.of("closed", "103", "nowhere", "102").entrySet()) {
      var channel = world.channel(one.getKey());
      reader.subscription(channel, false).subscribe();
      World.same(channel, reader.first("unsubscribed", channel).text(), one.getValue());
    }
  }

  static void echoes(World world) throws Exception {
    var user = world.name("ana");
    var channel = world.channel("room");
    var writer = world.connect(world.gateways.get(0), user);
    writer.subscribe(channel, false);
    writer.publish(channel, World.numbers(1, 2));
    var heard = (PublicationEvent) writer.first("publication", channel).event();
    World.same("the data", Journal.text(heard.getData()), "{\"n\":1}");
    World.holds("an offset", heard.getOffset() > 0);
    World.same("who", heard.getInfo().getUser(), user);
    World.same("its connection", heard.getInfo().getClient(), writer.first("connected", "").text());
    World.same("its info", Journal.text(heard.getInfo().getConnInfo()), "{\"of\":\"" + user + "\"}");
  }

  static void keepsOrder(World world) throws Exception {
    var reader = world.connect(world.gateways.get(0), "");
    var writer = world.connect(world.gateways.get(1), "");
    for (var namespace : List.of("room", "live")) {
      var channel = world.channel(namespace);
      reader.subscribe(channel, false);
      writer.publish(channel, World.numbers(0, 100));
      World.same(namespace, reader.texts("publication", channel, 100), World.numbers(0, 100));
    }
  }

  static void readsHistory(World world) throws Exception {
    var channel = world.channel("room");
    var writer = world.connect(world.gateways.get(0), "");
    writer.publish(channel, World.numbers(0, 5));
    World.same("no publications without a limit", history(writer, channel, 0, false), List.of());
    World.same("the oldest", history(writer, channel, 2, false), World.numbers(0, 2));
    World.same("all", history(writer, channel, -1, false), World.numbers(0, 5));
    World.same("the newest", history(writer, channel, 2, true), List.of("{\"n\":4}", "{\"n\":3}"));
  }

  private static List<String> history(Journal client, String channel, int limit, boolean isReverse) throws Exception {
    var options = new HistoryOptions.Builder().withLimit(limit).withReverse(isReverse).build();
    var result = client.<HistoryResult>done(callback -> client.sdk.history(channel, options, callback));
    return result.getPublications().stream().map(one -> Journal.text(one.getData())).toList();
  }

  static void seesPresence(World world) throws Exception {
    var channel = world.channel("room");
    var here = world.connect(world.gateways.get(0), world.name("ana"));
    var there = world.connect(world.gateways.get(1), world.name("ben"));
    here.subscribe(channel, false);
    there.subscribe(channel, false);
    // Nothing tells when presence of another gateway has arrived: asked until it is so.
    var until = System.currentTimeMillis() + World.PATIENCE_MS;
    for (var users = 0; users < 2; ) {
      World.holds("both in time", System.currentTimeMillis() < until);
      users = here.<PresenceStatsResult>done(callback -> here.sdk.presenceStats(channel, callback)).getNumUsers();
      Thread.sleep(10);
    }
    var present = here.<PresenceResult>done(callback -> here.sdk.presence(channel, callback)).getClients();
    World.same("the other", present.get(there.first("connected", "").text()).getUser(), world.name("ben"));
  }

  static void hearsJoins(World world) throws Exception {
    var channel = world.channel("room");
    var here = world.connect(world.gateways.get(0), "");
    var there = world.connect(world.gateways.get(1), "");
    here.subscribe(channel, true);
    here.first("join", channel); // its own: those of two gateways have no order
    var joining = there.subscribe(channel, false);
    var me = here.first("connected", "").text();
    var other = there.first("connected", "").text();
    World.same("joins", here.texts("join", channel, 2), List.of(me, other));
    joining.unsubscribe();
    World.same("leaves", here.texts("leave", channel, 1), List.of(other));
  }

  static void isForbidden(World world) throws Exception {
    var nobody = world.connect(world.gateways.get(0), "");
    var closed = world.channel("closed");
    World.same("rpc", nobody.<RPCResult>refusal(callback -> nobody.sdk.rpc("any", new byte[0], callback)), 108);
    World.same(
        "publish", nobody.<PublishResult>refusal(callback -> nobody.sdk.publish(closed, Journal.bytes("1"), callback)), 103);
    World.same("presence", nobody.<PresenceResult>refusal(callback -> nobody.sdk.presence(closed, callback)), 108);
  }

  static void recovers(World world) throws Exception {
    var channel = world.channel("room");
    var reader = world.connect(world.moving, "");
    var writer = world.connect(world.gateways.get(1), "");
    reader.subscribe(channel, false);
    writer.publish(channel, World.numbers(0, 3));
    reader.await("publication", channel, 3);
    for (var from = 3; from < 12; from += 3) {
      var missed = World.numbers(from, from + 3);
      world.move(() -> writer.publish(channel, missed));
      reader.await("publication", channel, from + 3);
    }
    writer.publish(channel, World.numbers(12, 14));
    World.same("publications", reader.texts("publication", channel, 14), World.numbers(0, 14));
    for (var one : reader.await("subscribed", channel, 4).subList(1, 4)) {
      var again = (SubscribedEvent) one.event();
      World.holds("recovered", again.wasRecovering() && again.getRecovered());
    }
  }

  static void recoversNothing(World world) throws Exception {
    var channel = world.channel("capped");
    var reader = world.connect(world.moving, "");
    var writer = world.connect(world.gateways.get(1), "");
    reader.subscribe(channel, false);
    writer.publish(channel, World.numbers(0, 2));
    reader.await("publication", channel, 2);
    world.move(() -> writer.publish(channel, World.numbers(2, 12)));
    var again = (SubscribedEvent) reader.await("subscribed", channel, 2).get(1).event();
    World.holds("recovering without success", again.wasRecovering() && !again.getRecovered());
    writer.publish(channel, World.numbers(12, 13));
    World.same(
        "publications", reader.texts("publication", channel, 3), List.of("{\"n\":0}", "{\"n\":1}", "{\"n\":12}"));
  }

  static void serverSideRecovers(World world) throws Exception {
    var user = world.name("ana");
    var channel = "room:#" + user;
    var reader = world.connect(world.moving, user);
    reader.first("server subscribed", channel);
    world.serverPublishes(channel, 0);
    reader.first("server publication", channel);
    world.move(
        () -> {
          world.serverPublishes(channel, 1);
          world.serverPublishes(channel, 2);
        });
    World.same("publications", reader.texts("server publication", channel, 3), World.numbers(0, 3));
    var again = (ServerSubscribedEvent) reader.await("server subscribed", channel, 2).get(1).event();
    World.holds("recovered", again.wasRecovering() && again.getRecovered());
  }

  static void isUnsubscribed(World world) throws Exception {
    var user = world.name("ana");
    var channel = world.channel("room");
    var reader = world.connect(world.gateways.get(0), user);
    reader.subscribe(channel, false);
    world.ask("unsubscribe", "user", user, "channel", channel, "code", "2500", "reason", "insufficient state");
    reader.await("subscribed", channel, 2);
    World.same("why again", reader.texts("subscribing", channel, 2).get(1), "2500");
    world.ask("unsubscribe", "user", user, "channel", channel, "code", "2000", "reason", "enough");
    World.same("why no more", reader.first("unsubscribed", channel).text(), "2000");
  }

  static void passesBytes(World world) throws Exception {
    byte[] noJson = {0, 1, 2, (byte) 0xff, (byte) 0xfe, '\n', '"', (byte) 0x80};
    var channel = world.channel("raw");
    var reader = world.connect(world.gateways.get(0), "");
    var writer = world.connect(world.gateways.get(1), "");
    reader.subscribe(channel, false);
    writer.<PublishResult>done(callback -> writer.sdk.publish(channel, noJson, callback));
    var heard = (PublicationEvent) reader.first("publication", channel).event();
    World.holds("the same bytes", Arrays.equals(heard.getData(), noJson));
  }

  private Laws() {}
}
