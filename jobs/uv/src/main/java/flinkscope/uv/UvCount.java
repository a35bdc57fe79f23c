package flinkscope.uv;

/** A result: on {@code day}, the key had {@code visitors} unique visitors so far. A Flink POJO. */
public final class UvCount {
    /** Days since 1970-01-01. */
    public int day;
    public long key;
    /** The key where it is a text, else null. */
    public String text;
    public long visitors;

    public UvCount() {}

    public UvCount(int day, long key, String text, long visitors) {
        this.day = day;
        this.key = key;
        this.text = text;
        this.visitors = visitors;
    }

    String keyName() {
        return text == null ? Long.toString(key) : text;
    }

    /** {@code day,key,visitors} as a row of a CSV file. */
    String asCsv() {
        return Days.name(day) + "," + quoted(keyName()) + "," + visitors;
    }

    static String quoted(String text) {
        boolean plain = true;
        for (int at = 0; at < text.length() && plain; at++) {
            char c = text.charAt(at);
            plain = c != ',' && c != '"' && c >= ' ';
        }
        return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }

    @Override
    public String toString() {
        return Days.name(day) + " " + keyName() + ": " + visitors + " visitors";
    }
}
