package flinkscope.uv;

import java.io.IOException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonParser;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonToken;

/** One JSON object a line with the columns' names; others are ignored, unless the key is one of them. */
final class JsonRows extends RowDecoder {
    private static final long serialVersionUID = 1L;
    private static final JsonFactory JSON = new JsonFactory();

    JsonRows(KeyColumn key, long maxAheadMs, boolean narrow) {
        super(key, maxAheadMs, narrow);
    }

    @Override
    Event decode(String row) {
        if (row.isBlank()) {
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
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            switch (name) {
                case "userId":
                    event.userId = number(parser);
                    break;
                case "itemId":
                    event.itemId = number(parser);
                    break;
                case "categoryId":
                    event.categoryId = number(parser);
                    break;
                case "behavior":
                    event.behavior = text(parser);
                    break;
                case "ts":
                    ts = number(parser);
                    break;
                default:
                    if (name.equals(key.name)) {
                        event.keyText = text(parser);
                    }
                    parser.skipChildren();
            }
        }
        if (parser.currentToken() != JsonToken.END_OBJECT) {
            return malformed(row, "not a whole JSON object");
        }
        String wrong = wrongColumn(event, ts);
        if (wrong != null) {
            return malformed(row, wrong);
        }
        event.keyText = key.isExtra() ? event.keyText : key.textOf(event);
        return checked(event, ts, row);
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

    /** The value as a whole number, also from a string; -1 if it is none or below zero. */
    private static long number(JsonParser parser) throws IOException {
        if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT) {
            return parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER ? -1 : Math.max(-1, parser.getLongValue());
        }
        if (parser.currentToken() == JsonToken.VALUE_STRING) {
            try {
                return Math.max(-1, Long.parseLong(parser.getText().trim()));
            } catch (NumberFormatException error) {
                return -1;
            }
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
