import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** One law's clients and names, and the door to what no client can do. */
final class World {
  static final long PATIENCE_MS = 8_000;
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  final String moving;
  final List<String> gateways;
  private final String run;
  private final String control;
  private final String law;
  private final List<Journal> clients = new ArrayList<>();

  World(String[] arguments, String law) {
    run = arguments[2];
    control = arguments[3];
    moving = arguments[4];
    gateways = List.of(arguments[5], arguments[6]);
    this.law = law;
  }

  String name(String what) {
    return run + "-" + law + "-" + what;
  }

  String channel(String namespace) {
    return namespace + ":" + name("a");
  }

  /** Asks the test for what no client can do; the answer's text. Parameters are names and values by turns. */
  String ask(String what, String... parameters) throws Exception {
    Map<String, String> all = new TreeMap<>(Map.of("run", run));
    for (var at = 0; at < parameters.length; at += 2) all.put(parameters[at], parameters[at + 1]);
    var query =
        all.entrySet().stream()
            .map(one -> one.getKey() + "=" + URLEncoder.encode(one.getValue(), StandardCharsets.UTF_8))
            .collect(Collectors.joining("&"));
    var uri = URI.create(control + "/" + what + "?" + query);
    var request = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.noBody()).build();
    var response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    same(what + ": " + response.body(), response.statusCode(), 200);
    return response.body();
  }

  String token(String user) throws Exception {
    return ask("token", "user", user);
  }

  void serverPublishes(String channel, int n) throws Exception {
    ask("publish", "channel", channel, "data", "{\"n\":" + n + "}");
  }

  /** Away from every gateway while `meanwhile` happens, then on the other one. */
  void move(Meanwhile meanwhile) throws Exception {
    ask("leave");
    meanwhile.happens();
    ask("arrive");
  }

  Journal client(String address, String token) {
    var one = new Journal(address, token, null);
    clients.add(one);
    return one;
  }

  Journal client(String address, String token, Journal.Tokens tokens) {
    var one = new Journal(address, token, tokens);
    clients.add(one);
    return one;
  }

  /** Of a user, or of nobody. */
  Journal connect(String address, String user) throws Exception {
    return client(address, user.isEmpty() ? "" : token(user)).connected();
  }

  void end() {
    clients.forEach(one -> one.sdk.disconnect());
  }

  static void same(String what, Object got, Object wanted) {
    if (!Objects.equals(got, wanted)) throw new AssertionError(what + ": got " + got + ", wanted " + wanted);
  }

  static void holds(String what, boolean is) {
    if (!is) throw new AssertionError(what + ": it does not hold");
  }

  static List<String> numbers(int from, int to) {
    List<String> all = new ArrayList<>();
    for (var n = from; n < to; n++) all.add("{\"n\":" + n + "}");
    return all;
  }

  interface Meanwhile {
    void happens() throws Exception;
  }
}
