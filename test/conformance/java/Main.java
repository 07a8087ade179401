/**
 * The laws that the official Java SDK must see hold on a mesh, one line of JSON for each: {"name", "ok", "detail"}. It speaks Protobuf.
 *
 *   Main list protobuf
 *   Main judge protobuf <run> <control> <moving url> <first gateway> <second gateway>
 */
public final class Main {
  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("list")) {
      Laws.all().forEach((name, law) -> System.out.println(name));
      return;
    }
    var number = 0;
    for (var one : Laws.all().entrySet()) {
      var world = new World(arguments, "l" + number++);
      var startedAt = System.nanoTime();
      var detail = broken(world, one.getValue());
      world.end();
      var told = detail == null ? "" : ",\"detail\":" + quoted(detail);
      System.out.printf(
          "{\"name\":%s,\"ok\":%b,\"ms\":%d%s}%n",
          quoted(one.getKey()), detail == null, (System.nanoTime() - startedAt) / 1_000_000, told);
    }
    System.exit(0); // the SDK's threads would go on for a minute
  }

  /** What a law threw, or nothing. */
  private static String broken(World world, Law law) {
    try {
      law.hold(world);
      return null;
    } catch (Throwable thrown) {
      return String.valueOf(thrown);
    }
  }

  private static String quoted(String text) {
    var safe = text.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ");
    return "\"" + safe + "\"";
  }

  interface Law {
    void hold(World world) throws Exception;
  }
}
