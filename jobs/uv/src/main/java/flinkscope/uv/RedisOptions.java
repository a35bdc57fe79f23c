package flinkscope.uv;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.LinkedHashSet;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisCluster;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.UnifiedJedis;

/**
 * Where Redis is and how to speak with it: {@code --redis redis[s]://[user:password@]host:port[/db]}, several addresses separated by
 * commas for {@code --redis-cluster true}. The password may be in a file on the TaskManagers ({@code --redis-password-file}) or in
 * their environment, FLINKSCOPE_REDIS_PASSWORD.
 */
final class RedisOptions implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final int DEFAULT_PORT = 6379;

    final String prefix;
    final long ttlSeconds;
    final int batch;
    final long flushMs;
    final long retryMs;
    /** For the hash {@code <prefix>meta}. */
    final String zone;
    final String key;
    final String design;
    private final String addresses;
    private final boolean cluster;
    private final String passwordFile;
    private final String caFile;
    private final int timeoutMs;

    RedisOptions(JobOptions options) {
        prefix = options.text("prefix", "uv:");
        ttlSeconds = options.millis("ttl", "7 d") / 1000;
        batch = (int) options.number("redis-batch", 1000);
        flushMs = options.millis("redis-flush", "1 s");
        retryMs = options.millis("redis-retry", "60 s");
        timeoutMs = (int) options.millis("redis-timeout", "5 s");
        zone = options.text("zone", "Asia/Shanghai");
        key = options.text("key", "itemId");
        design = options.text("design", "bucket");
        addresses = options.text("redis");
        cluster = options.flag("redis-cluster");
        passwordFile = options.text("redis-password-file", "");
        caFile = options.text("redis-ca-file", "");
    }

    /** A client; it connects with its first command. */
    UnifiedJedis connect() throws IOException {
        String[] all = addresses.split(",");
        URI first = URI.create(all[0].trim());
        DefaultJedisClientConfig config = config(first);
        ConnectionPoolConfig pool = new ConnectionPoolConfig();
        pool.setMaxTotal(cluster ? 8 : 1);
        pool.setJmxEnabled(false);
        if (!cluster) {
            return new JedisPooled(pool, address(first), config);
        }
        Set<HostAndPort> nodes = new LinkedHashSet<>();
        for (String address : all) {
            nodes.add(address(URI.create(address.trim())));
        }
        return new JedisCluster(nodes, config, 5, pool);
    }

    /** The addresses without user and password, for messages. */
    String shown() {
        return addresses.replaceAll("//[^/@]*@", "//");
    }

    private DefaultJedisClientConfig config(URI address) throws IOException {
        DefaultJedisClientConfig.Builder builder = DefaultJedisClientConfig.builder()
                .connectionTimeoutMillis(timeoutMs)
                .socketTimeoutMillis(timeoutMs)
                .clientName("flinkscope-uv");
        String[] user = address.getUserInfo() == null ? new String[0] : address.getUserInfo().split(":", 2);
        if (user.length > 0 && !user[0].isEmpty()) {
            builder.user(user[0]);
        }
        String password = user.length > 1 ? user[1] : null;
        if (password == null) {
            password = System.getenv("FLINKSCOPE_REDIS_PASSWORD");
        }
        if (!passwordFile.isEmpty()) {
            password = Files.readString(Path.of(passwordFile)).strip();
        }
        if (password != null && !password.isEmpty()) {
            builder.password(password);
        }
        String path = address.getPath();
        if (!cluster && path != null && path.length() > 1) {
            builder.database(Integer.parseInt(path.substring(1)));
        }
        if ("rediss".equals(address.getScheme())) {
            SSLParameters parameters = new SSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            builder.ssl(true).sslParameters(parameters);
            if (!caFile.isEmpty()) {
                builder.sslSocketFactory(trusting(Path.of(caFile)));
            }
        }
        return builder.build();
    }

    private static HostAndPort address(URI address) {
        return new HostAndPort(address.getHost(), address.getPort() < 0 ? DEFAULT_PORT : address.getPort());
    }

    private static SSLSocketFactory trusting(Path caFile) throws IOException {
        try (InputStream pem = Files.newInputStream(caFile)) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            int number = 0;
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                store.setCertificateEntry("ca-" + number++, certificate);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context.getSocketFactory();
        } catch (GeneralSecurityException error) {
            throw new IOException("--redis-ca-file " + caFile + ": " + error.getMessage(), error);
        }
    }
}
