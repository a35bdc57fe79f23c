package incidents117;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.DiscardingSink;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.time.Time;
import org.apache.flink.streaming.api.windowing.triggers.ContinuousProcessingTimeTrigger;

/** FLINK-35069 on Flink 1.17: windows of 1970, so that their end is always before the processing time. */
public final class TriggerLoop {

    public static void main(String[] words) throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.fromSequence(0, Long.MAX_VALUE - 1)
                .assignTimestampsAndWatermarks(
                        WatermarkStrategy.<Long>forMonotonousTimestamps().withTimestampAssigner((n, t) -> n % 1000))
                .keyBy(n -> n % 10)
                .window(TumblingEventTimeWindows.of(Time.hours(1)))
                .trigger(ContinuousProcessingTimeTrigger.of(Time.milliseconds(100)))
                .reduce((a, b) -> b)
                .addSink(new DiscardingSink<>());
        env.execute("trigger-loop");
    }

    private TriggerLoop() {}
}
