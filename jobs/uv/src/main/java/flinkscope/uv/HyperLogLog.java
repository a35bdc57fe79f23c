package flinkscope.uv;

import java.io.IOException;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Flajolet, Fusy, Gandouet, Meunier 2007, with linear counting for small counts: 2^p registers of one byte, standard error
 * 1.04 / sqrt(2^p), 64-bit hash.
 */
final class HyperLogLog {
    static final int LEAST_PRECISION = 8;
    static final int MOST_PRECISION = 16;

    private final int precision;
    private final byte[] registers;

    HyperLogLog(int precision) {
        this(precision, new byte[1 << precision]);
    }

    private HyperLogLog(int precision, byte[] registers) {
        this.precision = precision;
        this.registers = registers;
    }

    /** Adds the user; whether a register has changed. */
    boolean add(long user) {
        long hash = Hash.mix(user + 0x9E3779B97F4A7C15L);
        int register = (int) (hash >>> (64 - precision));
        int rank = Math.min(Long.numberOfLeadingZeros(hash << precision), 64 - precision) + 1;
        if (rank <= registers[register]) {
            return false;
        }
        registers[register] = (byte) rank;
        return true;
    }

    long estimate() {
        int size = registers.length;
        double sum = 0;
        int empty = 0;
        for (byte register : registers) {
            sum += 1.0 / (1L << register);
            empty += register == 0 ? 1 : 0;
        }
        double estimate = 0.7213 / (1 + 1.079 / size) * size * size / sum;
        if (estimate <= 2.5 * size && empty > 0) {
            estimate = size * Math.log((double) size / empty);
        }
        return Math.round(estimate);
    }

    HyperLogLog copy() {
        return new HyperLogLog(precision, registers.clone());
    }

    void write(DataOutputView target) throws IOException {
        target.writeByte(precision);
        target.write(registers);
    }

    static HyperLogLog read(DataInputView source) throws IOException {
        int precision = source.readByte();
        if (precision < LEAST_PRECISION || precision > MOST_PRECISION) {
            throw new IOException("a sketch of precision " + precision);
        }
        byte[] registers = new byte[1 << precision];
        source.readFully(registers);
        return new HyperLogLog(precision, registers);
    }
}
