package flinkscope.uv;

/** The finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
final class Hash {
    private Hash() {}

    static long mix(long value) {
        long z = value;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    static long of(String text) {
        long hash = 0;
        for (int at = 0; at < text.length(); at++) {
            hash = hash * 0x9E3779B97F4A7C15L + text.charAt(at);
        }
        return mix(hash);
    }
}
