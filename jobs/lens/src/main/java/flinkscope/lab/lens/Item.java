package flinkscope.lab.lens;

import java.util.Objects;

/** A POJO that is used as a key. */
public class Item {
    public long id;
    public String name;

    public Item() {}

    Item(long id, String name) {
        this.id = id;
        this.name = name;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Item && ((Item) other).id == id && Objects.equals(((Item) other).name, name);
    }

    @Override
    public int hashCode() {
        return Objects.hash(id, name);
    }
}
