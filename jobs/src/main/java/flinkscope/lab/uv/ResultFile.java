package flinkscope.lab.uv;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/**
 * Appends results to one file a subtask: 16 bytes each, little endian: long item, int day, int visitors.
 *
 * <p>A later line for the same (day, item) replaces an earlier one. A key stays in one subtask, so the order within a file
 * is all that matters; after a restart results may repeat, which changes nothing.
 */
final class ResultFile implements Sink<UvCount> {
    private static final long serialVersionUID = 1L;
    private static final int RECORD_BYTES = 16;

    private final String folder;

    ResultFile(String folder) {
        this.folder = folder;
    }

    @Override
    public SinkWriter<UvCount> createWriter(WriterInitContext context) throws IOException {
        Path path = Path.of(folder);
        Files.createDirectories(path);
        int subtask = context.getTaskInfo().getIndexOfThisSubtask();
        int attempt = context.getTaskInfo().getAttemptNumber();
        return new Writer(Files.newOutputStream(path.resolve("results-" + subtask + "-" + attempt + ".bin")));
    }

    private static final class Writer implements SinkWriter<UvCount> {
        private final OutputStream out;
        private final ByteBuffer record = ByteBuffer.allocate(RECORD_BYTES).order(ByteOrder.LITTLE_ENDIAN);

        Writer(OutputStream out) {
            this.out = new BufferedOutputStream(out, 1 << 16);
        }

        @Override
        public void write(UvCount result, Context context) throws IOException {
            record.putLong(0, result.itemId).putInt(8, result.day).putInt(12, result.visitors);
            out.write(record.array());
        }

        @Override
        public void flush(boolean endOfInput) throws IOException {
            out.flush();
        }

        @Override
        public void close() throws IOException {
            out.close();
        }
    }
}
