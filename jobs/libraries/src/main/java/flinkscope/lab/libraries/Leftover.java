package flinkscope.lab.libraries;

/** Uses a library as a job's main() does. */
interface Leftover {
  /** Starts it; closing what is returned is the library's own way to let go. */
  AutoCloseable use() throws Exception;
}
