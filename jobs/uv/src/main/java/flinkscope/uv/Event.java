package flinkscope.uv;

import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * One row of the input in the layout of the public UserBehavior data, or a row that could not be understood
 * ({@code reason} is set then, and {@code raw} is the row as it came).
 */
public final class Event {
    static final String PAGE_VIEW = "pv";
    static final TypeInformation<Event> TYPE = new SerializedType<>(Event.class, new Serializer());

    long userId;
    long itemId;
    long categoryId;
    String behavior;
    /** Event time in milliseconds since 1970 UTC. */
    long timestamp;
    /** The key's value where that is a text: the behaviour, another column of a JSON row, or {@code *} for the whole shop. */
    String keyText;

    String raw;
    String reason;

    static Event malformed(String raw, String reason) {
        Event event = new Event();
        event.raw = raw;
        event.reason = reason;
        event.timestamp = Long.MIN_VALUE;
        return event;
    }

    /** As a row of a CSV file; in seconds if it is on a full second. */
    String asCsv() {
        long ts = timestamp % 1000 == 0 ? timestamp / 1000 : timestamp;
        return userId + "," + itemId + "," + categoryId + "," + behavior + "," + ts;
    }

    /** Format: flags (1 malformed, 2 not a page view, 4 key text), then the columns as varints. */
    static final class Serializer extends ValueSerializer<Event> {
        private static final long serialVersionUID = 1L;
        private static final int MALFORMED = 1;
        private static final int OTHER_BEHAVIOR = 2;
        private static final int KEY_TEXT = 4;

        @Override
        public Event createInstance() {
            return new Event();
        }

        @Override
        public Event copy(Event from) {
            return from; // no operator changes an event
        }

        @Override
        public void serialize(Event event, DataOutputView target) throws IOException {
            if (event.reason != null) {
                target.writeByte(MALFORMED);
                target.writeUTF(shortened(event.raw));
                target.writeUTF(event.reason);
                return;
            }
            boolean view = PAGE_VIEW.equals(event.behavior);
            target.writeByte((view ? 0 : OTHER_BEHAVIOR) | (event.keyText == null ? 0 : KEY_TEXT));
            writeVarLong(event.userId, target);
            writeVarLong(event.itemId, target);
            writeVarLong(event.categoryId, target);
            writeVarLong(event.timestamp, target);
            if (!view) {
                target.writeUTF(event.behavior);
            }
            if (event.keyText != null) {
                target.writeUTF(event.keyText);
            }
        }

        @Override
        public Event deserialize(DataInputView source) throws IOException {
            int flags = source.readByte();
            if ((flags & MALFORMED) != 0) {
                return malformed(source.readUTF(), source.readUTF());
            }
            Event event = new Event();
            event.userId = readVarLong(source);
            event.itemId = readVarLong(source);
            event.categoryId = readVarLong(source);
            event.timestamp = readVarLong(source);
            event.behavior = (flags & OTHER_BEHAVIOR) == 0 ? PAGE_VIEW : source.readUTF();
            event.keyText = (flags & KEY_TEXT) == 0 ? null : source.readUTF();
            return event;
        }

        @Override
        public TypeSerializerSnapshot<Event> snapshotConfiguration() {
            return new Snapshot();
        }

        /** writeUTF holds 65,535 bytes. */
        private static String shortened(String text) {
            return text.length() <= RowDecoder.KEPT_CHARS ? text : text.substring(0, RowDecoder.KEPT_CHARS);
        }
    }

    /** Written with each checkpoint. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Event> {
        public Snapshot() {
            super(Serializer::new);
        }
    }
}
