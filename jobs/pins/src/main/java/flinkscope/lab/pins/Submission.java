package flinkscope.lab.pins;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The incident's job: reads lines (from a socket, as there, or three numbers) and prints them; its main() leaves pins.
 *
 * <p>{@code --pin hook,thread} what it leaves; {@code --task thread} what its task leaves in the TaskManager; {@code
 * --healthy} clean up again; {@code --ballast N} classes defined in this class loader, as a job with many libraries
 * has; {@code --host H --port P} the socket.
 */
public final class Submission {
  private static final String TEMPLATE = "Ballast00000";

  private Submission() {}

  /** Leaves the pins, then starts the job. */
  public static void main(String[] words) throws Exception {
    Map<String, String> options = options(words);
    defineBallast(Integer.parseInt(options.getOrDefault("ballast", "0")));
    List<Pin> pins = new ArrayList<>();
    for (String name : options.getOrDefault("pin", "").split(",")) {
      if (!name.isEmpty()) {
        Pin pin = Pin.named(name);
        pin.set();
        pins.add(pin);
      }
    }
    start(options);
    if (options.containsKey("healthy")) {
      for (Pin pin : pins) {
        pin.release();
      }
    }
  }

  /** {@code --key value} pairs; Flink's own reader of them lies in another package in each version. */
  private static Map<String, String> options(String[] words) {
    Map<String, String> options = new HashMap<>();
    for (int at = 0; at + 1 < words.length; at += 2) {
      options.put(words[at].replaceFirst("^--", ""), words[at + 1]);
    }
    return options;
  }

  private static void start(Map<String, String> options) throws Exception {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    DataStream<String> lines =
        options.containsKey("port")
            ? environment.socketTextStream(
                options.getOrDefault("host", "127.0.0.1"), Integer.parseInt(options.get("port")))
            : environment.fromData("one", "two", "three");
    if (options.containsKey("task")) {
      lines = lines.map(new TaskPin(options.get("task"), options.containsKey("healthy")));
    }
    lines.print();
    environment.execute(options.getOrDefault("name", "socket to print"));
  }

  /** Defines copies of one class under other names of the same length: they fill metaspace, no jar has to be large. */
  private static void defineBallast(int count) throws IOException, IllegalAccessException {
    if (count == 0) {
      return;
    }
    byte[] template;
    try (InputStream stream = Submission.class.getResourceAsStream(TEMPLATE + ".class")) {
      template = stream.readAllBytes();
    }
    int[] places = occurrences(template, TEMPLATE.getBytes(StandardCharsets.US_ASCII));
    MethodHandles.Lookup lookup = MethodHandles.lookup();
    for (int number = 1; number <= count; number++) {
      byte[] name = String.format("Ballast%05d", number).getBytes(StandardCharsets.US_ASCII);
      byte[] copy = template.clone();
      for (int place : places) {
        System.arraycopy(name, 0, copy, place, name.length);
      }
      lookup.defineClass(copy);
    }
  }

  private static int[] occurrences(byte[] text, byte[] word) {
    return java.util.stream.IntStream.rangeClosed(0, text.length - word.length)
        .filter(at -> java.util.Arrays.equals(text, at, at + word.length, word, 0, word.length))
        .toArray();
  }
}
