package flinkscope.lab.pins;

/** The incident's own: a hook that shall run when the program ends; in a session cluster it ends with the cluster. */
final class ShutdownHookPin implements Pin {
  private final Thread hook = new Thread(new Farewell(), "farewell");

  @Override
  public void set() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  @Override
  public void release() {
    Runtime.getRuntime().removeShutdownHook(hook);
  }

  private static final class Farewell implements Runnable {
    @Override
    public void run() {
      System.out.println("the job's hook runs");
    }
  }
}
