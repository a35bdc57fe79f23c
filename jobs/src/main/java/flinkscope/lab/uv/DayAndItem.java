package flinkscope.lab.uv;

import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.api.java.tuple.Tuple2;

/**
 * The incident's key: (day in Asia/Shanghai, item), both as strings.
 *
 * <p>Flink calls a copy of this selector in the sender and another one in the window operator, once for each element; each
 * copy counts what its task sees, which is how the job knows how many panes it has without changing the pipeline.
 */
final class DayAndItem implements KeySelector<UserBehavior, Tuple2<String, String>> {
    private static final long serialVersionUID = 1L;

    private final String truthFolder;
    private transient TaskTruth truth;
    private transient int day;
    private transient String dayName;

    DayAndItem(String truthFolder) {
        this.truthFolder = truthFolder;
    }

    @Override
    public Tuple2<String, String> getKey(UserBehavior event) {
        int ofEvent = Days.number(event.timestamp);
        if (dayName == null || ofEvent != day) {
            day = ofEvent;
            dayName = Days.name(ofEvent);
        }
        if (truth == null) {
            truth = TaskTruth.ofThisTask(truthFolder);
        }
        truth.element(ofEvent, event.itemId);
        return Tuple2.of(dayName, Long.toString(event.itemId));
    }
}
