package flinkscope.uv;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Format 1: byte 1, next results (varint), keys (varint); each key: its number or text, visitors (varint), then up to
 * {@link VisitorTable#FEW} users as varints or {@link ManyUsers}. A table that is read takes every key as changed: after a
 * restart all counts are sent again, so that a store which has lost some gets them back.
 */
public final class VisitorTableSerializer extends ValueSerializer<VisitorTable> {
    private static final long serialVersionUID = 1L;
    private static final int FORMAT = 1;

    @Override
    public VisitorTable createInstance() {
        return new VisitorTable(0);
    }

    @Override
    public VisitorTable copy(VisitorTable from) {
        return from.copy();
    }

    @Override
    public void serialize(VisitorTable table, DataOutputView target) throws IOException {
        target.writeByte(FORMAT);
        writeVarLong(table.nextResultsMs, target);
        writeVarLong(table.size(), target);
        boolean text = table.textOf(0) != null;
        target.writeBoolean(text);
        for (int place = 0; place < table.capacity(); place++) {
            if (!table.isUsed(place)) {
                continue;
            }
            if (text) {
                target.writeUTF(table.textOf(table.key(place)));
            } else {
                writeVarLong(table.key(place), target);
            }
            writeUsers(table, place, target);
        }
    }

    private static void writeUsers(VisitorTable table, int place, DataOutputView target) throws IOException {
        int count = table.count(place);
        writeVarLong(count, target);
        ManyUsers many = table.many(place);
        if (many != null) {
            many.write(target);
            return;
        }
        for (int number = 0; number < count; number++) {
            writeVarLong(table.few(place, number), target);
        }
    }

    @Override
    public VisitorTable deserialize(DataInputView source) throws IOException {
        int format = source.readByte();
        if (format != FORMAT) {
            throw new IOException("a table of visitors of format " + format);
        }
        long nextResultsMs = readVarLong(source);
        int size = (int) readVarLong(source);
        VisitorTable table = new VisitorTable(size + (size >> 1) + 1);
        table.nextResultsMs = nextResultsMs;
        boolean text = source.readBoolean();
        for (int i = 0; i < size; i++) {
            long key = text ? table.keyOf(source.readUTF()) : readVarLong(source);
            int count = (int) readVarLong(source);
            if (count > VisitorTable.FEW) {
                table.putMany(key, ManyUsers.read(source), count);
            } else {
                for (int number = 0; number < count; number++) {
                    table.add(key, readVarLong(source), 0);
                }
            }
        }
        table.markAllChanged();
        return table;
    }

    @Override
    public TypeSerializerSnapshot<VisitorTable> snapshotConfiguration() {
        return new Snapshot();
    }

    /** Written with each checkpoint. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<VisitorTable> {
        public Snapshot() {
            super(VisitorTableSerializer::new);
        }
    }
}
