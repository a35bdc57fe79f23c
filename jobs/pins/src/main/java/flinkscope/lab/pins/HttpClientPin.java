package flinkscope.lab.pins;

import java.net.http.HttpClient;

/** java.net.http's client in a static: its selector thread lives as long as the client is referenced. */
final class HttpClientPin implements Pin {
  private static HttpClient client;

  @Override
  public void set() {
    client = HttpClient.newHttpClient();
  }

  @Override
  public void release() {
    client = null; // the selector thread ends when the client is collected
  }

  @Override
  public String toString() {
    return String.valueOf(client);
  }
}
