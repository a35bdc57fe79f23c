package flinkscope.lab.pins;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;

/** One way in which user code keeps its class loader alive beyond its main(), and the clean-up that lets it go. */
interface Pin {
  /** Makes the pin. */
  void set() throws Exception;

  /** What a careful program does before its main() returns. */
  void release() throws Exception;

  /** The pin of that name; makers, so that only the classes of the pins asked for are loaded. */
  static Pin named(String name) throws Exception {
    Map<String, Callable<Pin>> makers = new LinkedHashMap<>();
    makers.put("hook", ShutdownHookPin::new);
    makers.put("thread", ThreadPins.Running::new);
    makers.put("context", ThreadPins.ContextLoader::new);
    makers.put("threadlocal", ThreadPins.Local::new);
    makers.put("timer", ThreadPins.TimerPin::new);
    makers.put("executor", ThreadPins.Executor::new);
    makers.put("cleaner", ThreadPins.CleanerPin::new);
    makers.put("http", HttpClientPin::new);
    makers.put("jdbc", JdbcPin::new);
    makers.put("mbean", MBeanPin::new);
    makers.put("sysprop", RegistryPins.SystemProperty::new);
    makers.put("provider", RegistryPins.SecurityProvider::new);
    makers.put("ueh", RegistryPins.UncaughtHandler::new);
    makers.put("jul", RegistryPins.LoggingHandler::new);
    makers.put("static", RegistryPins.ParentStatic::new);
    makers.put("log4j", Log4jPin::new);
    makers.put("soft", RegistryPins.SoftCache::new);
    makers.put("spring", LibraryPins.Spring::new);
    makers.put("nacos", LibraryPins.Nacos::new);
    Callable<Pin> maker = makers.get(name);
    if (maker == null) {
      throw new IllegalArgumentException("no pin " + name + "; one of " + makers.keySet());
    }
    return maker.call();
  }
}
