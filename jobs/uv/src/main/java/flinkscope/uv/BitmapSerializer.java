package flinkscope.uv;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.roaringbitmap.RoaringBitmap;

/** RoaringBitmap in its own portable format. */
public final class BitmapSerializer extends ValueSerializer<RoaringBitmap> {
    private static final long serialVersionUID = 1L;

    @Override
    public RoaringBitmap createInstance() {
        return new RoaringBitmap();
    }

    @Override
    public RoaringBitmap copy(RoaringBitmap from) {
        return from.clone();
    }

    @Override
    public void serialize(RoaringBitmap bitmap, DataOutputView target) throws IOException {
        bitmap.serialize(target);
    }

    @Override
    public RoaringBitmap deserialize(DataInputView source) throws IOException {
        RoaringBitmap bitmap = new RoaringBitmap();
        bitmap.deserialize(source);
        return bitmap;
    }

    @Override
    public TypeSerializerSnapshot<RoaringBitmap> snapshotConfiguration() {
        return new Snapshot();
    }

    /** Written with each checkpoint. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<RoaringBitmap> {
        public Snapshot() {
            super(BitmapSerializer::new);
        }
    }
}
