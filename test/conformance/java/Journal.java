import io.github.centrifugal.centrifuge.*;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** A client that writes down what its SDK tells: kind, channel, text and event, in their order. */
final class Journal {
  record Told(String kind, String channel, String text, Object event) {}

  interface Tokens {
    String next() throws Exception;
  }

  final Client sdk;
  private final List<Told> told = new ArrayList<>();

  Journal(String address, String token, Tokens tokens) {
    var options = new Options();
    options.setToken(token);
    options.setMinReconnectDelay(20);
    options.setMaxReconnectDelay(200);
    if (tokens != null) options.setTokenGetter(getter(tokens));
    sdk = new Client(address, options, listener());
  }

  private static ConnectionTokenGetter getter(Tokens tokens) {
    return new ConnectionTokenGetter() {
      @Override
      public void getConnectionToken(ConnectionTokenEvent event, TokenCallback callback) {
        try {
          callback.Done(null, tokens.next());
        } catch (Exception error) {
          callback.Done(error, "");
        }
      }
    };
  }

  Journal connected() throws Exception {
    sdk.connect();
    first("connected", "");
    return this;
  }

  Subscription subscribe(String channel, boolean joinLeave) throws Exception {
    var one = subscription(channel, joinLeave);
    one.subscribe();
    first("subscribed", channel);
    return one;
  }

  Subscription subscription(String channel, boolean joinLeave) throws Exception {
    var options = new SubscriptionOptions();
    options.setMinResubscribeDelay(20);
    options.setMaxResubscribeDelay(200);
    options.setJoinLeave(joinLeave);
    return sdk.newSubscription(channel, options, listener(channel));
  }

  void publish(String channel, List<String> all) throws Exception {
    for (var data : all) this.<PublishResult>done(callback -> sdk.publish(channel, bytes(data), callback));
  }

  /** The outcome of a call; throws what the server answered. */
  <T> T done(Consumer<ResultCallback<T>> call) throws Exception {
    var future = new CompletableFuture<T>();
    call.accept(
        (error, result) -> {
          if (error == null) future.complete(result);
          else future.completeExceptionally(error);
        });
    return future.get(World.PATIENCE_MS, TimeUnit.MILLISECONDS);
  }

  /** The code of the error that a call is answered with. */
  <T> int refusal(Consumer<ResultCallback<T>> call) throws Exception {
    try {
      done(call);
      throw new AssertionError("it was not refused");
    } catch (ExecutionException error) {
      if (error.getCause() instanceof ReplyError reply) return reply.getCode();
      throw error;
    }
  }

  /** All of a kind, once there are so many. */
  synchronized List<Told> await(String kind, String channel, int count) throws InterruptedException {
    var until = System.currentTimeMillis() + World.PATIENCE_MS;
    for (; ; ) {
      var found = told.stream().filter(one -> one.kind.equals(kind) && one.channel.equals(channel)).toList();
      if (found.size() >= count) return found;
      var rest = until - System.currentTimeMillis();
      if (rest <= 0) throw new AssertionError("waited for " + count + " " + kind + " " + channel + "; told: " + this);
      wait(rest);
    }
  }

  Told first(String kind, String channel) throws InterruptedException {
    return await(kind, channel, 1).get(0);
  }

  List<String> texts(String kind, String channel, int count) throws InterruptedException {
    return await(kind, channel, count).stream().map(Told::text).toList();
  }

  private synchronized void write(String kind, String channel, Object text, Object event) {
    told.add(new Told(kind, channel, String.valueOf(text), event));
    notifyAll();
  }

  @Override
  public synchronized String toString() {
    return told.stream()
        .map(one -> one.kind + " " + one.channel + " " + one.text)
        .collect(Collectors.joining("; "));
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private EventListener listener() {
    return new EventListener() {
      @Override
      public void onConnecting(Client client, ConnectingEvent event) {
        write("connecting", "", event.getCode(), event);
      }

      @Override
      public void onConnected(Client client, ConnectedEvent event) {
        write("connected", "", event.getClient(), event);
      }

      @Override
      public void onDisconnected(Client client, DisconnectedEvent event) {
        write("disconnected", "", event.getCode(), event);
      }

      @Override
      public void onError(Client client, ErrorEvent event) {
        write("error", "", event.getError(), event);
      }

      @Override
      public void onSubscribed(Client client, ServerSubscribedEvent event) {
        write("server subscribed", event.getChannel(), "", event);
      }

      @Override
      public void onUnsubscribed(Client client, ServerUnsubscribedEvent event) {
        write("server unsubscribed", event.getChannel(), "", event);
      }

      @Override
      public void onPublication(Client client, ServerPublicationEvent event) {
        write("server publication", event.getChannel(), text(event.getData()), event);
      }
    };
  }

  private SubscriptionEventListener listener(String channel) {
    return new SubscriptionEventListener() {
      @Override
      public void onSubscribing(Subscription subscription, SubscribingEvent event) {
        write("subscribing", channel, event.getCode(), event);
      }

      @Override
      public void onSubscribed(Subscription subscription, SubscribedEvent event) {
        write("subscribed", channel, "", event);
      }

      @Override
      public void onUnsubscribed(Subscription subscription, UnsubscribedEvent event) {
        write("unsubscribed", channel, event.getCode(), event);
      }

      @Override
      public void onError(Subscription subscription, SubscriptionErrorEvent event) {
        write("error", channel, event.getError(), event);
      }

      @Override
      public void onPublication(Subscription subscription, PublicationEvent event) {
        write("publication", channel, text(event.getData()), event);
      }

      @Override
      public void onJoin(Subscription subscription, JoinEvent event) {
        write("join", channel, event.getInfo().getClient(), event);
      }

      @Override
      public void onLeave(Subscription subscription, LeaveEvent event) {
        write("leave", channel, event.getInfo().getClient(), event);
      }
    };
  }
}
