package flinkscope.lab.pins;

import java.util.HashMap;
import java.util.Map;

/** A class of ordinary size; copies of it under other names fill metaspace as a job's libraries do. */
final class Ballast00000 {
  private final Map<String, Long> counts = new HashMap<>();
  private long total;

  void add(String word, long count) {
    counts.merge(word, count, Long::sum);
    total += count;
  }

  long of(String word) {
    return counts.getOrDefault(word, 0L);
  }

  double share(String word) {
    return total == 0 ? 0 : (double) of(word) / total;
  }

  String described() {
    StringBuilder text = new StringBuilder();
    for (Map.Entry<String, Long> entry : counts.entrySet()) {
      text.append(entry.getKey()).append('=').append(entry.getValue()).append(' ');
    }
    return text.append("of ").append(total).toString();
  }
}
