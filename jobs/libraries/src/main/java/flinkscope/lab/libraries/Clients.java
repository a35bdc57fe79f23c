package flinkscope.lab.libraries;

import com.amazonaws.ClientConfiguration;
import com.amazonaws.http.AmazonHttpClient;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.lettuce.core.RedisClient;
import io.netty.channel.nio.NioEventLoopGroup;
import io.vertx.core.Vertx;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.apache.commons.httpclient.HttpClient;
import org.apache.commons.httpclient.MultiThreadedHttpConnectionManager;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;
import org.apache.http.HttpHost;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.kafka.clients.admin.AdminClient;
import org.elasticsearch.client.RestClient;
import redis.clients.jedis.JedisPool;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.apache.ApacheHttpClient;

/** Clients of servers; none of these servers is there, and the clients start their threads all the same. */
final class Clients {
  private static final String NOBODY = "127.0.0.1:9";

  private Clients() {}

  static final class Kafka implements Leftover {
    @Override
    public AutoCloseable use() {
      return AdminClient.create(Map.of("bootstrap.servers", NOBODY));
    }
  }

  static final class OkHttp implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      OkHttpClient client = new OkHttpClient();
      client.newCall(new Request.Builder().url("http://" + NOBODY).build()).enqueue(new Ignoring());
      TimeUnit.MILLISECONDS.sleep(200);
      return () -> {
        client.dispatcher().executorService().shutdown();
        client.connectionPool().evictAll();
      };
    }

    private static final class Ignoring implements Callback {
      @Override
      public void onFailure(Call call, java.io.IOException error) {}

      @Override
      public void onResponse(Call call, Response response) {
        response.close();
      }
    }
  }

  static final class Grpc implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      ManagedChannel channel = ManagedChannelBuilder.forTarget(NOBODY).usePlaintext().build();
      channel.getState(true);
      TimeUnit.MILLISECONDS.sleep(300);
      return () -> channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  static final class Netty implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      NioEventLoopGroup group = new NioEventLoopGroup(1);
      group.submit(() -> System.out.println("the group works")).get();
      return () -> group.shutdownGracefully(0, 1, TimeUnit.SECONDS).await();
    }
  }

  static final class AwsOne implements Leftover {
    @Override
    public AutoCloseable use() {
      AmazonHttpClient client = new AmazonHttpClient(new ClientConfiguration());
      return () -> {
        client.shutdown();
        com.amazonaws.http.IdleConnectionReaper.shutdown();
      };
    }
  }

  static final class AwsTwo implements Leftover {
    @Override
    public AutoCloseable use() {
      SdkHttpClient client = ApacheHttpClient.create();
      return client::close;
    }
  }

  static final class Mongo implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      MongoClient client = MongoClients.create("mongodb://" + NOBODY);
      TimeUnit.MILLISECONDS.sleep(200);
      return client;
    }
  }

  static final class Lettuce implements Leftover {
    @Override
    public AutoCloseable use() {
      RedisClient client = RedisClient.create("redis://" + NOBODY);
      try {
        client.connect();
      } catch (RuntimeException expected) {
        System.out.println("nobody there: " + expected.getMessage());
      }
      return client::shutdown;
    }
  }

  static final class Jedis implements Leftover {
    @Override
    public AutoCloseable use() {
      return new JedisPool("127.0.0.1", 9);
    }
  }

  static final class Elasticsearch implements Leftover {
    @Override
    public AutoCloseable use() {
      return RestClient.builder(new HttpHost("127.0.0.1", 9)).build();
    }
  }

  static final class Curator implements Leftover {
    @Override
    public AutoCloseable use() {
      CuratorFramework client = CuratorFrameworkFactory.newClient(NOBODY, new RetryOneTime(1));
      client.start();
      return client;
    }
  }

  static final class ApacheHttp implements Leftover {
    @Override
    public AutoCloseable use() {
      CloseableHttpClient client = HttpClients.custom().evictExpiredConnections().build();
      return client;
    }
  }

  static final class OldHttp implements Leftover {
    @Override
    public AutoCloseable use() throws Exception {
      MultiThreadedHttpConnectionManager manager = new MultiThreadedHttpConnectionManager();
      HttpClient client = new HttpClient(manager);
      client.getHttpConnectionManager().getConnection(client.getHostConfiguration()).close();
      return MultiThreadedHttpConnectionManager::shutdownAll;
    }
  }

  static final class VertX implements Leftover {
    @Override
    public AutoCloseable use() {
      Vertx vertx = Vertx.vertx();
      return () -> vertx.close().toCompletionStage().toCompletableFuture().get();
    }
  }
}
