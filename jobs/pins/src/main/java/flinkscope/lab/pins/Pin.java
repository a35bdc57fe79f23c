package flinkscope.lab.pins;

/** One way in which user code keeps its class loader alive beyond its main(), and the clean-up that lets it go. */
interface Pin {
  /** Makes the pin. */
  void set() throws Exception;

  /** What a careful program does before its main() returns. */
  void release() throws Exception;

  /** The pin of that name. A switch, so that only the classes of the pins asked for are loaded. */
  static Pin named(String name) throws Exception {
    switch (name) {
      case "hook":
        return new ShutdownHookPin();
      case "thread":
        return new ThreadPins.Running();
      case "context":
        return new ThreadPins.ContextLoader();
      case "threadlocal":
        return new ThreadPins.Local();
      case "timer":
        return new ThreadPins.TimerPin();
      case "executor":
        return new ThreadPins.Executor();
      case "cleaner":
        return new ThreadPins.CleanerPin();
      case "http":
        return new HttpClientPin();
      case "jdbc":
        return new JdbcPin();
      case "mbean":
        return new MBeanPin();
      case "sysprop":
        return new RegistryPins.SystemProperty();
      case "provider":
        return new RegistryPins.SecurityProvider();
      case "ueh":
        return new RegistryPins.UncaughtHandler();
      case "jul":
        return new RegistryPins.LoggingHandler();
      case "static":
        return new RegistryPins.ParentStatic();
      case "log4j":
        return new Log4jPin();
      case "soft":
        return new RegistryPins.SoftCache();
      case "spring":
        return new LibraryPins.Spring();
      case "nacos":
        return new LibraryPins.Nacos();
      default:
        throw new IllegalArgumentException("no pin " + name);
    }
  }
}
