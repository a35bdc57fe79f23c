package flinkscope.uv;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.serialization.BulkWriter;
import org.apache.flink.core.fs.FSDataOutputStream;

/**
 * Rows of a text file, in UTF-8, gathered into blocks.
 *
 * <p>Flink's streams of local files have no buffer, and its writer of rows makes two system calls a row; for some 700,000 results
 * of a million events those were a good part of the job's CPU. A file is closed by each checkpoint, so what waits here is
 * in the file before the checkpoint is complete.
 */
final class RowsWriter implements BulkWriter<String> {
    private static final int BLOCK = 1 << 15;

    private final FSDataOutputStream out;
    private final byte[] block = new byte[BLOCK];
    private int used;

    RowsWriter(FSDataOutputStream out) {
        this.out = out;
    }

    @Override
    public void addElement(String row) throws IOException {
        byte[] bytes = row.getBytes(StandardCharsets.UTF_8);
        if (bytes.length >= block.length - used) {
            drain();
        }
        if (bytes.length >= block.length) {
            out.write(bytes);
        } else {
            System.arraycopy(bytes, 0, block, used, bytes.length);
            used += bytes.length;
        }
        block[used++] = '\n';
    }

    @Override
    public void flush() throws IOException {
        drain();
        out.flush();
    }

    @Override
    public void finish() throws IOException {
        flush();
    }

    private void drain() throws IOException {
        out.write(block, 0, used);
        used = 0;
    }
}
