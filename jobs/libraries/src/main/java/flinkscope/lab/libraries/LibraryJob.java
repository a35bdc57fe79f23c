package flinkscope.lab.libraries;

import java.util.List;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** {@code --library Clients$Kafka [--healthy yes]}: main() uses the library, starts a small job, and lets go or not. */
public final class LibraryJob {
  private LibraryJob() {}

  /** Uses one library, then runs a job of three numbers. */
  public static void main(String[] words) throws Exception {
    List<String> given = List.of(words);
    String name = given.get(given.indexOf("--library") + 1);
    Class<?> found = Class.forName(LibraryJob.class.getPackageName() + "." + name);
    AutoCloseable used = ((Leftover) found.getDeclaredConstructor().newInstance()).use();
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.fromData(1, 2, 3).print();
    environment.execute(name);
    if (given.contains("--healthy")) {
      used.close();
    }
  }
}
