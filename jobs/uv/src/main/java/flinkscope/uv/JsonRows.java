package flinkscope.uv;

import java.io.IOException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;

/**
 * One JSON object a line with the columns' names; others are ignored, unless the key is one of them. Of a name that comes twice the
 * first counts; numbers may be texts of digits.
 */
final class JsonRows extends RowDecoder {
    private static final long serialVersionUID = 1L;
    private static final JsonFactory JSON = new JsonFactory();
    private static final int OTHER = -1;
    private static final int USER = 0;
    private static final int ITEM = 1;
    private static final int CATEGORY = 2;
    private static final int BEHAVIOR = 3;
    private static final int TS = 4;
    private static final int KEY = 5;

    JsonRows(KeyColumn key, long maxAheadMs, boolean narrow) {
        super(key, maxAheadMs, narrow);
    }

    @Override
    Event read(String row) {
        if (isBlank(row)) {
            return null;
        }
        try (JsonParser parser = JSON.createParser(row)) {
            return read(parser, row);
        } catch (IOException error) {
            return malformed(row, "not JSON: " + firstLine(error));
        }
    }

    private Event read(JsonParser parser, String row) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            return malformed(row, "not a JSON object");
        }
        Event event = new Event();
        event.userId = event.itemId = event.categoryId = -1;
        long ts = Long.MIN_VALUE;
        int seen = 0;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            int column = column(parser.currentName());
            parser.nextToken();
            if (column == OTHER || (seen & 1 << column) != 0) {
                parser.skipChildren();
                continue;
            }
            seen |= 1 << column;
            switch (column) {
                case USER:
                    event.userId = number(parser);
                    break;
                case ITEM:
                    event.itemId = number(parser);
                    break;
                case CATEGORY:
                    event.categoryId = number(parser);
                    break;
                case BEHAVIOR:
                    event.behavior = text(parser);
                    break;
                case TS:
                    ts = number(parser);
                    break;
                default:
                    event.keyText = text(parser);
            }
        }
        if (parser.currentToken() != JsonToken.END_OBJECT) {
            return malformed(row, "not a whole JSON object");
        }
        if (parser.nextToken() != null) {
            return malformed(row, "text after the JSON object");
        }
        String wrong = wrongColumn(event, ts);
        if (wrong != null) {
            return malformed(row, wrong);
        }
        event.keyText = key.isExtra() ? event.keyText : key.textOf(event);
        return checked(event, ts, row);
    }

    private int column(String name) {
        switch (name) {
            case "userId":
                return USER;
            case "itemId":
                return ITEM;
            case "categoryId":
                return CATEGORY;
            case "behavior":
                return BEHAVIOR;
            case "ts":
                return TS;
            default:
                return name.equals(key.name) ? KEY : OTHER;
        }
    }

    private String wrongColumn(Event event, long ts) {
        if (event.userId < 0) {
            return "userId is not a number from 0";
        }
        if (event.itemId < 0) {
            return "itemId is not a number from 0";
        }
        if (event.categoryId < 0) {
            return "categoryId is not a number from 0";
        }
        if (event.behavior == null || event.behavior.isEmpty()) {
            return "behavior is empty";
        }
        if (ts == Long.MIN_VALUE) {
            return "ts is not a number";
        }
        if (key.isExtra() && (event.keyText == null || event.keyText.isEmpty() || event.keyText.length() > KEPT_CHARS)) {
            return key.name + " is empty";
        }
        return null;
    }

    /** The value as a whole number, also from a string of digits; -1 if it is none or below zero. */
    private static long number(JsonParser parser) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT) {
            return parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER ? -1 : Math.max(-1, parser.getLongValue());
        }
        if (parser.currentToken() == JsonToken.VALUE_STRING) {
            String text = parser.getText();
            return digits(text, 0, text.length());
        }
        parser.skipChildren();
        return -1;
    }

    private static String text(JsonParser parser) throws IOException {
        if (!parser.currentToken().isScalarValue() || parser.currentToken() == JsonToken.VALUE_NULL) {
            parser.skipChildren();
            return null;
        }
        String text = parser.getText();
        return Event.PAGE_VIEW.equals(text) ? Event.PAGE_VIEW : text;
    }

    private static String firstLine(IOException error) {
        String text = String.valueOf(error.getMessage());
        int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end);
    }
}
