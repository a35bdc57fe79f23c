package flinkscope.lab.lens;

import java.util.Objects;

/** One event of the test stream; a Flink POJO. Its key is {@code index % keys}, its time grows with the index. */
public class Event {
    public long index;
    public long key;
    public long time;
    public String text;

    public Event() {}

    Event(long index, long key, long time, String text) {
        this.index = index;
        this.key = key;
        this.time = time;
        this.text = text;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Event && ((Event) other).index == index;
    }

    @Override
    public int hashCode() {
        return Objects.hash(index);
    }
}
