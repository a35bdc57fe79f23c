package flinkscope.uv;

/** Rows {@code userId,itemId,categoryId,behavior,ts}; more columns are ignored, a header is skipped, quotes are taken off. */
final class CsvRows extends RowDecoder {
    private static final long serialVersionUID = 1L;
    private static final int COLUMNS = 5;
    private static final String[] NAMES = {"userId", "itemId", "categoryId", "behavior", "ts"};
    /** Of the usual values, so that millions of equal strings are one. */
    private static final String[] BEHAVIORS = {"pv", "cart", "fav", "buy"};

    private final int[] from = new int[COLUMNS];
    private final int[] to = new int[COLUMNS];

    CsvRows(KeyColumn key, long maxAheadMs, boolean narrow) {
        super(key, maxAheadMs, narrow);
    }

    @Override
    Event read(String row) {
        int columns = split(row);
        if (columns == 0) {
            return null;
        }
        if (columns < COLUMNS) {
            return malformed(row, columns + " columns, expected " + COLUMNS);
        }
        Event event = new Event();
        event.userId = digits(row, from[0], to[0]);
        event.itemId = digits(row, from[1], to[1]);
        event.categoryId = digits(row, from[2], to[2]);
        long ts = digits(row, from[4], to[4]);
        if ((event.userId | event.itemId | event.categoryId | ts) < 0) {
            return isHeader(row) ? null : wrongNumber(row, event, ts);
        }
        if (from[3] == to[3]) {
            return malformed(row, "behavior is empty");
        }
        event.behavior = behavior(row);
        event.keyText = key.textOf(event);
        return checked(event, ts, row);
    }

    /** Finds the columns without blanks and quotes around them; how many there are, 0 for a blank line. */
    private int split(String row) {
        int end = row.length();
        int column = 0;
        int at = 0;
        while (column < COLUMNS) {
            int comma = row.indexOf(',', at);
            int stop = comma < 0 ? end : comma;
            trim(row, column, at, stop);
            column++;
            if (comma < 0) {
                break;
            }
            at = comma + 1;
        }
        return column == 1 && from[0] == to[0] ? 0 : column;
    }

    private void trim(String row, int column, int start, int stop) {
        int first = start;
        int last = stop;
        while (first < last && row.charAt(first) <= ' ') {
            first++;
        }
        while (first < last && row.charAt(last - 1) <= ' ') {
            last--;
        }
        if (last - first >= 2 && row.charAt(first) == '"' && row.charAt(last - 1) == '"') {
            first++;
            last--;
        }
        from[column] = first;
        to[column] = last;
    }

    private String behavior(String row) {
        int length = to[3] - from[3];
        for (String known : BEHAVIORS) {
            if (known.length() == length && row.startsWith(known, from[3])) {
                return known;
            }
        }
        return row.substring(from[3], to[3]);
    }

    private boolean isHeader(String row) {
        String first = row.substring(from[0], to[0]);
        return first.equalsIgnoreCase("userId") || first.equalsIgnoreCase("user_id");
    }

    private Event wrongNumber(String row, Event event, long ts) {
        long[] values = {event.userId, event.itemId, event.categoryId, 0, ts};
        for (int column = 0; column < COLUMNS; column++) {
            if (values[column] < 0) {
                String found = row.substring(from[column], Math.min(to[column], from[column] + 40));
                return malformed(row, NAMES[column] + (found.isEmpty() ? " is empty" : " is not a number from 0: " + found));
            }
        }
        throw new IllegalStateException(row);
    }
}
