package flinkscope.uv;

import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.reader.SimpleStreamFormat;
import org.apache.flink.connector.file.src.reader.StreamFormat;
import org.apache.flink.core.fs.FSDataInputStream;

/** Text files, one row a line; the file source unpacks .gz, .bz2, .xz, .zst. of a line too long to be a row the rest is dropped. */
final class RowFormat extends SimpleStreamFormat<Event> {
    private static final long serialVersionUID = 1L;
    /** One more than a row may have, so that it is known to be too long. */
    private static final int LONGEST = RowDecoder.LONGEST + 1;

    private final RowDecoder decoder;

    RowFormat(RowDecoder decoder) {
        this.decoder = decoder;
    }

    @Override
    public StreamFormat.Reader<Event> createReader(Configuration config, FSDataInputStream stream) {
        return new Rows(stream, decoder);
    }

    @Override
    public TypeInformation<Event> getProducedType() {
        return Event.TYPE;
    }

    private static final class Rows implements StreamFormat.Reader<Event> {
        private final InputStreamReader reader;
        private final RowDecoder decoder;
        private final StringBuilder line = new StringBuilder(128);
        private final char[] buffer = new char[1 << 15];
        private int at;
        private int end;

        Rows(FSDataInputStream stream, RowDecoder decoder) {
            this.reader = new InputStreamReader(stream, StandardCharsets.UTF_8);
            this.decoder = decoder;
        }

        @Override
        public Event read() throws IOException {
            while (true) {
                String row = nextRow();
                if (row == null) {
                    return null;
                }
                Event event = decoder.decode(row);
                if (event != null) {
                    return event;
                }
            }
        }

        /** The next line without its end; of a longer one than {@link #LONGEST} the first characters. */
        private String nextRow() throws IOException {
            line.setLength(0);
            boolean any = false;
            while (fill()) {
                any = true;
                int stop = at;
                while (stop < end && buffer[stop] != '\n') {
                    stop++;
                }
                line.append(buffer, at, Math.min(stop - at, LONGEST - Math.min(LONGEST, line.length())));
                boolean whole = stop < end;
                at = whole ? stop + 1 : stop;
                if (whole) {
                    break;
                }
            }
            return any ? line.toString() : null;
        }

        private boolean fill() throws IOException {
            if (at < end) {
                return true;
            }
            end = reader.read(buffer, 0, buffer.length);
            at = 0;
            return end > 0;
        }

        @Override
        public void close() throws IOException {
            reader.close();
        }
    }
}
