package flinkscope.lab.uv;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.roaringbitmap.RoaringBitmap;

/** RoaringBitmap in its own portable format. */
public final class RoaringBitmapSerializer extends TypeSerializerSingleton<RoaringBitmap> {
    public static final RoaringBitmapSerializer INSTANCE = new RoaringBitmapSerializer();
    private static final long serialVersionUID = 1L;

    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public RoaringBitmap createInstance() {
        return new RoaringBitmap();
    }

    @Override
    public RoaringBitmap copy(RoaringBitmap from) {
        return from.clone();
    }

    @Override
    public RoaringBitmap copy(RoaringBitmap from, RoaringBitmap reuse) {
        return from.clone();
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public void serialize(RoaringBitmap record, DataOutputView target) throws IOException {
        record.serialize(target);
    }

    @Override
    public RoaringBitmap deserialize(DataInputView source) throws IOException {
        RoaringBitmap bitmap = new RoaringBitmap();
        bitmap.deserialize(source);
        return bitmap;
    }

    @Override
    public RoaringBitmap deserialize(RoaringBitmap reuse, DataInputView source) throws IOException {
        return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        serialize(deserialize(source), target);
    }

    @Override
    public TypeSerializerSnapshot<RoaringBitmap> snapshotConfiguration() {
        return new Snapshot();
    }

    /** Written with each checkpoint. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<RoaringBitmap> {
        public Snapshot() {
            super(() -> INSTANCE);
        }
    }
}
