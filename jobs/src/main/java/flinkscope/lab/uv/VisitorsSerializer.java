package flinkscope.lab.uv;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.roaringbitmap.RoaringBitmap;

/** Format: byte flags (1 = changed, 2 = bitmap), then int count and the users, or the bitmap's portable format. */
public final class VisitorsSerializer extends TypeSerializerSingleton<Visitors> {
    public static final VisitorsSerializer INSTANCE = new VisitorsSerializer();
    private static final long serialVersionUID = 1L;
    private static final int CHANGED = 1;
    private static final int BITMAP = 2;

    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public Visitors createInstance() {
        return new Visitors(new int[0], null, false);
    }

    @Override
    public Visitors copy(Visitors from) {
        return from.copy();
    }

    @Override
    public Visitors copy(Visitors from, Visitors reuse) {
        return from.copy();
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public void serialize(Visitors visitors, DataOutputView target) throws IOException {
        target.writeByte((visitors.changed ? CHANGED : 0) | (visitors.many != null ? BITMAP : 0));
        if (visitors.many != null) {
            visitors.many.serialize(target);
            return;
        }
        target.writeByte(visitors.few.length);
        for (int user : visitors.few) {
            target.writeInt(user);
        }
    }

    @Override
    public Visitors deserialize(DataInputView source) throws IOException {
        int flags = source.readByte();
        boolean changed = (flags & CHANGED) != 0;
        if ((flags & BITMAP) != 0) {
            return new Visitors(null, RoaringBitmapSerializer.INSTANCE.deserialize(source), changed);
        }
        int[] few = new int[source.readByte()];
        for (int i = 0; i < few.length; i++) {
            few[i] = source.readInt();
        }
        return new Visitors(few, null, changed);
    }

    @Override
    public Visitors deserialize(Visitors reuse, DataInputView source) throws IOException {
        return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        serialize(deserialize(source), target);
    }

    @Override
    public TypeSerializerSnapshot<Visitors> snapshotConfiguration() {
        return new Snapshot();
    }

    /** Written with each checkpoint. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Visitors> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
