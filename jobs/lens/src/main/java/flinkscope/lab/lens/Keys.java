package flinkscope.lab.lens;

import java.time.LocalDate;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;

/** The stream keyed by its key in one of the usual types. */
final class Keys {
    private Keys() {}

    static KeyedStream<Event, ?> keyed(DataStream<Event> stream, String type) {
        switch (type) {
            case "long":
                return by(stream, e -> e.key, Types.LONG);
            case "string":
                return by(stream, e -> e.text, Types.STRING);
            case "tuple":
                return by(stream, e -> Tuple2.of(e.text, e.key), Types.TUPLE(Types.STRING, Types.LONG));
            case "pojo":
                return by(stream, e -> new Item(e.key, e.text), Types.POJO(Item.class));
            case "date":
                return by(stream, e -> LocalDate.ofEpochDay(e.key), Types.LOCAL_DATE);
            default:
                throw new IllegalArgumentException("no key type " + type);
        }
    }

    private static <K> KeyedStream<Event, K> by(
            DataStream<Event> stream, KeySelector<Event, K> selector, TypeInformation<K> type) {
        return stream.keyBy(selector, type);
    }
}
