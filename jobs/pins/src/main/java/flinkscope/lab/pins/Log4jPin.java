package flinkscope.lab.pins;

import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.AbstractConfiguration;
import org.apache.logging.log4j.core.config.Property;

/** An appender of the user's class in Flink's own logging (log4j's classes are the parent's). */
final class Log4jPin implements Pin {
  private final OwnAppender appender = new OwnAppender("lab" + System.nanoTime());

  @Override
  public void set() {
    appender.start();
    ((Logger) LogManager.getRootLogger()).addAppender(appender);
  }

  @Override
  public void release() {
    // Logger.removeAppender alone leaves it in the configuration's own map
    AbstractConfiguration configuration =
        (AbstractConfiguration) ((Logger) LogManager.getRootLogger()).getContext().getConfiguration();
    configuration.removeAppender(appender.getName());
  }

  private static final class OwnAppender extends AbstractAppender {
    OwnAppender(String name) {
      super(name, null, null, true, Property.EMPTY_ARRAY);
    }

    @Override
    public void append(LogEvent event) {
      // counts nothing, writes nothing: only its being there matters
    }
  }
}
