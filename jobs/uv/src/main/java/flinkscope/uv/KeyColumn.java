package flinkscope.uv;

import java.io.Serializable;

/** What is counted by: a column of numbers, a column of texts, or nothing (the whole shop, {@code *}). */
final class KeyColumn implements Serializable {
    static final String SHOP = "*";
    private static final long serialVersionUID = 1L;

    final String name;

    KeyColumn(String name) {
        this.name = name;
    }

    /** Whether keys are texts; else they are numbers. */
    boolean isText() {
        return !name.equals("itemId") && !name.equals("categoryId") && !name.equals("userId");
    }

    /** Whether the key is not among the five columns of the layout. */
    boolean isExtra() {
        return isText() && !name.equals("behavior") && !name.equals(SHOP);
    }

    /** The key as a text, if it is one and among the five columns. */
    String textOf(Event event) {
        if (name.equals(SHOP)) {
            return SHOP;
        }
        return name.equals("behavior") ? event.behavior : null;
    }

    /** The key as a number; 0 where it is a text. */
    long numberOf(Event event) {
        switch (name) {
            case "itemId":
                return event.itemId;
            case "categoryId":
                return event.categoryId;
            case "userId":
                return event.userId;
            default:
                return 0;
        }
    }
}
