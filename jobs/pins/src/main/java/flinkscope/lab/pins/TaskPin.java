package flinkscope.lab.pins;

import org.apache.flink.api.common.functions.RichMapFunction;

/** Sets a pin inside a TaskManager, where the task's own class loader defines it. */
final class TaskPin extends RichMapFunction<String, String> {
  private static final long serialVersionUID = 1;

  private final String name;
  private final boolean healthy;
  private transient Pin pin;

  TaskPin(String name, boolean healthy) {
    this.name = name;
    this.healthy = healthy;
  }

  @Override
  public String map(String line) throws Exception {
    if (pin == null) {
      pin = Pin.named(name);
      pin.set();
    }
    return line;
  }

  @Override
  public void close() throws Exception {
    if (pin != null && healthy) {
      pin.release();
    }
  }
}
