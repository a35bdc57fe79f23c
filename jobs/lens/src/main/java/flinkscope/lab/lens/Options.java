package flinkscope.lab.lens;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;

/** {@code --name value} pairs of the command line. */
final class Options implements Serializable {
    private final HashMap<String, String> values = new HashMap<>();

    Options(String[] words) {
        for (int i = 0; i + 1 < words.length; i += 2) {
            values.put(words[i].substring(2), words[i + 1]);
        }
    }

    String text(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    long number(String name, long otherwise) {
        String value = values.get(name);
        return value == null ? otherwise : Long.parseLong(value);
    }

    Map<String, String> all() {
        return values;
    }
}
