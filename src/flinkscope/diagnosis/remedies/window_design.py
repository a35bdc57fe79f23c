"""Ways to build a continuously refreshed daily count that does not grow with every key ever seen."""

from __future__ import annotations

from flinkscope.diagnosis.finding import CodeChange, OptionChange, Remedy
from flinkscope.flink.state_facts import WindowOperator

# The shape of the lab's own job (jobs/…/CountInBuckets.java), which is tested against an exact recount.
_BUCKET_NEW = """\
.keyBy(e -> day(e.ts) * 1024L + bucket(e.itemId))       // 1,024 keys a day, not one an item
.process(new KeyedProcessFunction<Long, Event, Count>() {
    MapState<Long, Visitors> items;     // item -> sorted int[] up to 32 users, then a bitmap
    ValueState<Long> nextResults;       // when this bucket emits next; empty: nothing changed
    public void processElement(Event e, Context ctx, Collector<Count> out) throws Exception {
        Visitors v = items.contains(e.itemId) ? items.get(e.itemId) : new Visitors();
        if (!v.add(e.userId)) return;   // seen before: nothing to do
        items.put(e.itemId, v);         // v.changed is set
        if (nextResults.value() == null) {
            long next = Math.min((e.ts / STEP_MS + 1) * STEP_MS, lastMsOf(day(e.ts)));
            nextResults.update(next);
            ctx.timerService().registerEventTimeTimer(next);
            ctx.timerService().registerEventTimeTimer(lastMsOf(day(e.ts)));   // cleans up
        }
    }
    public void onTimer(long ts, OnTimerContext ctx, Collector<Count> out) throws Exception {
        for (Map.Entry<Long, Visitors> item : items.entries())
            if (item.getValue().changed) out.collect(item.getValue().emit(item.getKey()));
        nextResults.clear();
        if (ts == lastMsOf(dayOfKey(ctx.getCurrentKey()))) items.clear();
    }
})"""

_QUIET_NEW = """\
/** Fires only where data came since the last firing; never re-arms a quiet key. */
public class QuietContinuousTrigger extends Trigger<Object, TimeWindow> {
    private final long step;
    public QuietContinuousTrigger(Duration step) { this.step = step.toMillis(); }
    @Override
    public TriggerResult onElement(Object e, long ts, TimeWindow w, TriggerContext ctx) {
        if (w.maxTimestamp() <= ctx.getCurrentWatermark()) return TriggerResult.FIRE;
        long now = Math.max(ts, ctx.getCurrentWatermark());
        long next = now - Math.floorMod(now, step) + step;
        ctx.registerEventTimeTimer(Math.min(next, w.maxTimestamp()));
        return TriggerResult.CONTINUE;
    }
    @Override
    public TriggerResult onEventTime(long time, TimeWindow w, TriggerContext ctx) {
        return TriggerResult.FIRE;
    }
    @Override
    public TriggerResult onProcessingTime(long t, TimeWindow w, TriggerContext ctx) {
        return TriggerResult.CONTINUE;
    }
    @Override
    public void clear(TimeWindow w, TriggerContext ctx) { }
}"""


def window_code(operator: WindowOperator) -> str:
    """The user's window as its operator in the dump is set up: the lines to change."""
    offset = f", Duration.ofHours({operator.offset_ms // 3_600_000})" if operator.offset_ms else ""
    size = f"Duration.ofHours({operator.size_ms // 3_600_000}){offset}" if operator.size_ms else "…"
    evictor = (
        f"\n.evictor({operator.evictor}.of({_seconds(operator.evictor_window_ms)}, …))" if operator.evictor else ""
    )
    return (
        f".keyBy(…)\n.window({operator.assigner}.of({size}))\n.trigger({trigger_code(operator)}){evictor}"
        f"\n.process(new {(operator.function or '…').rsplit('.', 1)[-1]}(…))"
    )


def trigger_code(operator: WindowOperator) -> str:
    """The trigger as written in Java: ``PurgingTrigger.of(ContinuousEventTimeTrigger.of(Duration.ofMinutes(3)))``."""
    *outer, inner = operator.trigger
    code = f"{inner}.of({_seconds(operator.trigger_interval_ms)})"
    for name in reversed(outer):
        code = f"{name}.of({code})"
    return code


def _seconds(duration_ms: int | None) -> str:
    if duration_ms is None:
        return "…"
    minutes, rest = divmod(duration_ms, 60_000)
    return f"Duration.ofMinutes({minutes})" if minutes and not rest else f"Duration.ofMillis({duration_ms})"


def bucket_design(operator: WindowOperator) -> Remedy:
    """Item buckets as keys: a few thousand timers and entries in place of millions. Measured best on the heap."""
    return Remedy(
        id="bucket-design",
        title="Key by item bucket, keep the users of each item in a small array or bitmap",
        effect="timers and state entries no longer grow with the keys of the day: on the lab's events 74 MB live and"
        " 12 CPU s where the incident's job holds 292 MB and takes 98 CPU s, with exactly the same counts",
        cost="the window operator becomes a KeyedProcessFunction; state is not compatible, so start without the old"
        " savepoint (or replay the day)",
        verify="flinkscope lab cure uv-heap --design bucket; then: flinkscope compare BEFORE AFTER",
        code=(CodeChange("java", window_code(operator), _BUCKET_NEW),),
    )


def quiet_trigger(operator: WindowOperator) -> Remedy:
    """The same window with a trigger that does not re-arm quiet keys: 314 → 180 bytes a key (measured)."""
    return Remedy(
        id="quiet-trigger",
        title="Replace the continuous trigger by one that fires only where new data came",
        effect="per quiet key one timer and no entry instead of two timers and one entry: 314 → 180 bytes (measured),"
        " and a quiet key costs no firing; still grows with the keys of the day",
        cost="the sink sees no row for a key without news",
        verify="flinkscope heap flink DUMP: no `fire-time` entries, one timer a key",
        code=(CodeChange("java", trigger_code(operator), _QUIET_NEW),),
        cures=False,
    )


def rocksdb_backend(key: str, current: str | None) -> Remedy:
    """State and timers leave the heap. ``key`` is the option's name in the user's Flink version."""
    return Remedy(
        id="rocksdb",
        title="Keep state and timers in RocksDB",
        effect="the heap no longer grows with the keys (27 MB live on the lab's events); timers go along by default",
        cost="more CPU: 223 s against 98 s for the incident's job, since every key still fires every step; managed"
        " memory must not be 0, and a few GB of local disk are needed",
        verify="flinkscope heap flink DUMP shows no heap state; checkpoint size stays as it was",
        options=(OptionChange(key, current, "rocksdb"),),
    )
