package flinkscope.uv;

import org.apache.flink.streaming.api.windowing.triggers.Trigger;
import org.apache.flink.streaming.api.windowing.triggers.TriggerResult;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;

/**
 * Fires and purges at the next step, but only where an element has come since the last firing. It has no state: registering a
 * timer that is there already does nothing, and a window without new elements has none.
 */
final class QuietTrigger extends Trigger<Object, TimeWindow> {
    private static final long serialVersionUID = 1L;

    private final long stepMs;

    QuietTrigger(long stepMs) {
        this.stepMs = stepMs;
    }

    @Override
    public TriggerResult onElement(Object element, long timestamp, TimeWindow window, TriggerContext context) {
        long watermark = context.getCurrentWatermark();
        if (watermark >= window.maxTimestamp()) {
            return TriggerResult.FIRE_AND_PURGE; // within the time allowed after the day
        }
        long from = Math.max(timestamp, watermark);
        long next = window.getStart() + (Math.floorDiv(from - window.getStart(), stepMs) + 1) * stepMs;
        context.registerEventTimeTimer(Math.min(next, window.maxTimestamp()));
        return TriggerResult.CONTINUE;
    }

    @Override
    public TriggerResult onEventTime(long time, TimeWindow window, TriggerContext context) {
        return TriggerResult.FIRE_AND_PURGE;
    }

    @Override
    public TriggerResult onProcessingTime(long time, TimeWindow window, TriggerContext context) {
        return TriggerResult.CONTINUE;
    }

    /** The window ends with its last timer: none is left. */
    @Override
    public void clear(TimeWindow window, TriggerContext context) {}
}
