"""The catalogue of what keeps a user class loader alive: kinds, where each lies in a heap, why, and the remedy.

Sources: Tomcat's WebappClassLoaderBase and JreMemoryLeakPrevention, mjiderhamn's classloader-leak-prevention 2.7.0,
Flink's "Debugging Classloading", and measurements on real Flink 2.3.0 session clusters (docs/reference/pins.md).
"""

from __future__ import annotations

from dataclasses import dataclass

RELEASE_HOOK = "getRuntimeContext().registerUserCodeClassLoaderReleaseHookIfAbsent(name, cleanup) (Flink 1.12+)"


@dataclass(frozen=True, slots=True)
class PinKind:
    """One kind of pin. ``certainty_bp``: how sure it is that the user's code made it and its removal lets go."""

    id: str
    title: str
    plural: str
    why: str
    remedy: str
    certainty_bp: int = 10_000


@dataclass(frozen=True, slots=True)
class Site:
    """A place of the JDK or of a library in the parent loader: classes whose names start with ``prefix``.
    ``all_in_one``: its entries of one loader are one pin, since one remedy lets go of all."""

    prefix: str
    kind: str
    name: str
    remedy: str = ""
    all_in_one: bool = False


def _kind(identifier: str, title: str, plural: str, why: str, remedy: str, certainty_bp: int = 10_000) -> PinKind:
    return PinKind(identifier, title, plural, why, remedy, certainty_bp)


_KINDS = (
    _kind(
        "shutdown_hook", "shutdown hook", "shutdown hooks",
        "Runtime keeps every hook until the JVM ends; a session cluster's JVM does not end with the job.",
        "Runtime.getRuntime().removeShutdownHook(hook) when the work is done, or register none: submit from a client"
        " JVM (flink run), where main() and its hooks end with the program.",
    ),
    _kind(
        "thread", "thread running user code", "threads running user code",
        "A started thread is a GC root until it ends; it holds its Runnable, so its class and the class loader.",
        "Stop the thread and join it before main() returns, in a function's close(), or in " + RELEASE_HOOK + ".",
    ),
    _kind(
        "thread_context_loader", "context of a thread that others own", "contexts of threads that others own",
        "A thread inherits the context class loader (and up to Java 23 the access control context) of the code that"
        " started it; a pool of the parent that grows during main() keeps the user's for ever.",
        "Start such pools before user code runs, or put the library that owns the thread into lib/ and, where a user"
        " jar bundles it too, into classloader.parent-first-patterns.additional; else set the thread's context class"
        " loader back.",
        8_000,
    ),
    _kind(
        "thread_local", "thread local", "thread locals",
        "A value of a user class in a thread that lives on is held by that thread's map until it is removed.",
        "ThreadLocal.remove() in a finally block on the same thread.",
    ),
    _kind(
        "jdbc_driver", "JDBC driver", "JDBC drivers",
        "java.sql.DriverManager keeps every driver that registered itself; it is the JDK's, the driver the user's.",
        "Put the driver's jar into Flink's lib/; where a user jar bundles one too, add its package to"
        " classloader.parent-first-patterns.additional. Or DriverManager.deregisterDriver(driver) in "
        + RELEASE_HOOK + ".",
    ),
    _kind(
        "mbean", "MBean", "MBeans",
        "The platform MBean server keeps registered objects, their interfaces and listeners.",
        "ManagementFactory.getPlatformMBeanServer().unregisterMBean(name) before main() returns or in close().",
    ),
    _kind(
        "security_provider", "security provider", "security providers",
        "java.security.Security keeps providers in a list of the JVM.",
        "Put the provider's jar into lib/ and its package into classloader.parent-first-patterns.additional; or"
        " Security.removeProvider(name) when done.",
    ),
    _kind(
        "system_property", "object among the system properties", "objects among the system properties",
        "System.getProperties() is a map of the JVM; a value of a user class stays in it.",
        "System.getProperties().remove(key); put only Strings there.",
    ),
    _kind(
        "jul_handler", "java.util.logging handler or level", "java.util.logging handlers or levels",
        "LogManager's loggers are the JVM's; a handler, filter, formatter or level of a user class stays on them.",
        "Logger.getLogger(name).removeHandler(handler) before main() returns.",
    ),
    _kind(
        "timer", "java.util.Timer", "java.util.Timers",
        "A Timer's thread lives until cancel(); it holds its tasks and inherited the user's context.",
        "timer.cancel() before main() returns, in close(), or in " + RELEASE_HOOK + ".",
    ),
    _kind(
        "executor", "executor that was not shut down", "executors that were not shut down",
        "A pool's threads live until shutdown(); they hold its queue and factory and inherited the user's context.",
        "executor.shutdownNow() before main() returns, in close(), or in " + RELEASE_HOOK + ".",
    ),
    _kind(
        "http_client", "java.net.http client", "java.net.http clients",
        "The client's selector thread lives while the client is referenced, and inherited the user's context.",
        "Keep no HttpClient in a static; from Java 21 on close() it; or create one in a parent class of lib/.",
    ),
    _kind(
        "cleaner", "java.lang.ref.Cleaner", "java.lang.ref.Cleaners",
        "A Cleaner's thread lives while something is registered; it holds the clean-up actions.",
        "Call clean() on every Cleanable and drop the Cleaner; create it in a class of lib/ if it shall live on.",
    ),
    _kind(
        "uncaught_exception_handler", "handler of uncaught exceptions", "handlers of uncaught exceptions",
        "Thread's default handler is one static of the JVM; the last one set stays.",
        "Thread.setDefaultUncaughtExceptionHandler(before) when main() returns.",
    ),
    _kind(
        "static_field", "static of a parent's class", "statics of parents' classes",
        "A static of a class that the parent loader defines (JDK, Flink, lib/) holds an object of a user class.",
        "Set it back or remove the entry; or put the library that fills it wholly into the user jar, so that its"
        " statics go with the loader, or wholly into lib/.",
        9_000,
    ),
    _kind(
        "log4j_appender", "log4j object in Flink's logging", "log4j objects in Flink's logging",
        "log4j's classes are parent-first: an appender, filter or listener of the user goes into Flink's own"
        " LoggerContext and stays.",
        "AbstractConfiguration.removeAppender(name) before main() returns (Logger.removeAppender alone leaves it in the"
        " configuration's map); do not reconfigure Flink's logging from a job.",
    ),
    _kind(
        "jni_global", "reference of native code", "references of native code",
        "A global JNI reference keeps the class or its loader until native code deletes it. Native libraries cache"
        " classes so; and the JIT compiler holds the loader while it compiles one of its methods, which passes.",
        "Dump again: if it is gone, the compiler held it. If not, load the native library from a jar in lib/ and not"
        " from the user jar (its package into classloader.parent-first-patterns.additional).",
        5_000,
    ),
    _kind(
        "unknown", "reference of another kind", "references of other kinds",
        "The chain shows who holds it; the catalogue does not know that place.",
        "Follow the chain to the first class of your own and release it there, or in " + RELEASE_HOOK + ".",
        5_000,
    ),
)  # fmt: skip
KINDS = {kind.id: kind for kind in _KINDS}

_INTROSPECT = "java.beans.Introspector.flushCaches()"
# The longest matching prefix wins; looked for from the held end of the chain on.
SITES = (
    Site("java.lang.ApplicationShutdownHooks", "shutdown_hook", "Runtime.addShutdownHook"),
    Site("org.apache.hadoop.util.ShutdownHookManager", "shutdown_hook", "Hadoop's ShutdownHookManager",
         "org.apache.hadoop.util.ShutdownHookManager.get().removeShutdownHook(hook), or Hadoop in lib/"),
    Site("org.apache.flink.util.ShutdownHookUtil", "shutdown_hook", "Flink's ShutdownHookUtil"),
    Site("java.sql.DriverManager", "jdbc_driver", "DriverManager.registeredDrivers"),
    Site("java.sql.DriverInfo", "jdbc_driver", "DriverManager.registeredDrivers"),
    Site("com.sun.jmx.", "mbean", "platform MBean server"),
    Site("javax.management.", "mbean", "platform MBean server"),
    Site("sun.management.", "mbean", "platform MXBeans and their listeners",
         "removeNotificationListener(listener) on the MXBean before main() returns"),
    Site("sun.security.jca.", "security_provider", "java.security.Security"),
    Site("java.security.Security", "security_provider", "java.security.Security"),
    Site("javax.crypto.JceSecurity", "security_provider", "JceSecurity's verified providers"),
    Site("java.util.logging.", "jul_handler", "java.util.logging"),
    Site("org.apache.logging.log4j.core.", "log4j_appender", "Flink's LoggerContext"),
    Site("org.apache.log4j.", "log4j_appender", "Flink's logger repository"),
    Site("ch.qos.logback.", "log4j_appender", "Flink's logback context"),
    Site("java.util.TimerThread", "timer", "java.util.Timer"),
    Site("java.util.TaskQueue", "timer", "java.util.Timer"),
    Site("jdk.internal.ref.CleanerImpl", "cleaner", "java.lang.ref.Cleaner"),
    Site("jdk.internal.ref.PhantomCleanable", "cleaner", "java.lang.ref.Cleaner"),
    Site("java.lang.ref.Cleaner", "cleaner", "java.lang.ref.Cleaner"),
    Site("jdk.internal.net.http.", "http_client", "java.net.http"),
    Site("com.sun.beans.introspect.", "static_field", "java.beans.Introspector's cache", _INTROSPECT),
    Site("java.beans.ThreadGroupContext", "static_field", "java.beans.Introspector's cache", _INTROSPECT),
    Site("java.beans.", "static_field", "java.beans' caches", _INTROSPECT),
    Site("java.util.ResourceBundle", "static_field", "ResourceBundle's cache", "ResourceBundle.clearCache(loader)"),
    Site("java.io.ObjectStreamClass", "static_field", "ObjectStreamClass' caches"),
    Site("java.io.ObjectInputStream$Caches", "static_field", "ObjectInputStream's caches"),
    Site("java.net.Authenticator", "static_field", "Authenticator's default", "Authenticator.setDefault(null)"),
    Site("java.net.ProxySelector", "static_field", "ProxySelector's default", "ProxySelector.setDefault(before)"),
    Site("java.net.CookieHandler", "static_field", "CookieHandler's default", "CookieHandler.setDefault(null)"),
    Site("java.net.URL", "static_field", "URL's stream handlers",
         "URL.setURLStreamHandlerFactory from a class of lib/, not from a job"),
    Site("java.lang.ClassValue", "static_field", "ClassValue of a parent's class",
         "ClassValue.remove(type) for each type; for Groovy start Flink with -Dgroovy.use.classvalue=false, or put the"
         " library (Groovy, Scala, Kotlin reflection) into lib/", all_in_one=True),
    Site("jdk.internal.misc.Signal", "static_field", "signal handlers", "Signal.handle(signal, SignalHandler.SIG_DFL)"),
    Site("sun.misc.Signal", "static_field", "signal handlers", "Signal.handle(signal, SignalHandler.SIG_DFL)"),
    Site("jdk.jfr.", "static_field", "JFR's statics", "FlightRecorder.removeListener(listener), Recording.close()"),
    Site("jdk.jfr.internal.RequestEngine", "static_field", "JFR's periodic events",
         "FlightRecorder.removePeriodicEvent(hook)"),
    Site("jdk.jfr.internal.consumer.", "thread", "JFR's event stream", "RecordingStream.close()"),
    Site("java.time.zone.ZoneRulesProvider", "static_field", "ZoneRulesProvider's providers",
         "it has no way to take one out: put the provider into lib/"),
    Site("sun.nio.ch.LinuxAsynchronousChannelProvider", "static_field", "the JVM's group of asynchronous channels",
         "close() the channel; or open it in an AsynchronousChannelGroup of your own, and shut that down"),
    Site("sun.nio.ch.EPollPort", "static_field", "group of asynchronous channels",
         "close() the channel; or open it in an AsynchronousChannelGroup of your own, and shut that down"),
    Site("org.apache.flink.api.java.typeutils.TypeExtractor", "static_field", "TypeExtractor.registerFactory",
         "@TypeInfo(Factory.class) on the type instead: registerFactory has no way back"),
    Site("sun.net.httpserver.", "thread", "com.sun.net.httpserver", "HttpServer.stop(0), and shut its executor down"),
    Site("java.lang.ThreadGroup", "unknown", "thread group of the user's class",
         "ThreadGroup.destroy() when its threads have ended (Java 18 and earlier), or use no class of one's own"),
    Site("javax.xml.", "static_field", "factories of the JDK's XML"),
    Site("sun.net.www.protocol.jar.", "static_field", "cache of jar connections",
         "URLConnection.setDefaultUseCaches(\"jar\", false)"),
    Site("javax.imageio.spi.", "static_field", "IIORegistry", "IIORegistry.deregisterServiceProvider(provider)"),
    Site("sun.rmi.transport.", "static_field", "RMI's object table",
         "UnicastRemoteObject.unexportObject(object, true)"),
    Site("sun.awt.AppContext", "static_field", "AWT's AppContext",
         "run AWT code with the parent's context class loader"),
    Site("javax.security.auth.login.Configuration", "static_field", "JAAS configuration",
         "Configuration.setConfiguration(null)"),
    Site("java.security.Policy", "static_field", "security policy"),
    Site("javax.el.BeanELResolver", "static_field", "BeanELResolver's cache"),
    Site("org.apache.commons.logging.LogFactory", "static_field", "commons-logging's factories",
         "LogFactory.release(loader)"),
    Site("com.fasterxml.jackson.databind.type.TypeFactory", "static_field", "Jackson's type cache",
         "TypeFactory.defaultInstance().clearCache(), or an ObjectMapper with its own TypeFactory"),
    Site("org.apache.flink.shaded.jackson2.", "static_field", "Flink's shaded Jackson cache",
         "use Jackson of your own jar: org.apache.flink.shaded.* is Flink's, and so are its caches"),
    Site("com.google.common.collect.Interners", "static_field", "Guava interner",
         "keep Guava wholly in the user jar, not in lib/"),
    Site("com.google.common.cache.", "static_field", "Guava cache", "invalidateAll() in the release hook"),
    Site("org.apache.avro.", "static_field", "Avro's caches", "keep Avro wholly in the user jar, not in lib/"),
    Site("org.apache.hadoop.util.ReflectionUtils", "static_field", "Hadoop's CONSTRUCTOR_CACHE",
         "ReflectionUtils.clearCache() by reflection, or the connector's jar into lib/"),
    Site("org.apache.hadoop.fs.FileSystem", "static_field", "Hadoop's FileSystem cache",
         "FileSystem.closeAllForUGI(ugi), or the connector's jar into lib/"),
    Site("org.apache.hadoop.", "static_field", "Hadoop's statics", "the connector's jar into lib/"),
    Site("javax.xml.bind.", "static_field", "JAXB's caches"),
    Site("org.apache.xerces.", "static_field", "Xerces' cached exceptions"),
    Site("com.sun.org.apache.xerces.", "static_field", "Xerces' cached exceptions"),
)  # fmt: skip

# Statics of the JDK with a setter of their own, by ``class.field``.
STATICS = {
    f"{owner}.{field}": Site(owner, "static_field", f"{owner.rpartition('.')[2]}.{setter}", remedy)
    for owner, field, setter, remedy in (
        ("javax.net.ssl.HttpsURLConnection", "defaultHostnameVerifier", "setDefaultHostnameVerifier",
         "set it on each connection (connection.setHostnameVerifier), or set the one before back"),
        ("javax.net.ssl.HttpsURLConnection", "defaultSSLSocketFactory", "setDefaultSSLSocketFactory",
         "set it on each connection (connection.setSSLSocketFactory), or set the one before back"),
        ("javax.net.ssl.SSLContext", "defaultContext", "setDefault", "give the context to the client"),
        ("java.lang.System", "out", "setOut", "System.setOut(before) before main() returns"),
        ("java.lang.System", "err", "setErr", "System.setErr(before) before main() returns"),
        ("java.lang.System", "in", "setIn", "System.setIn(before) before main() returns"),
        ("java.lang.System", "security", "setSecurityManager", "set no security manager in a job"),
    )
}  # fmt: skip

# A task in the queue of a pool that is not the user's: CompletableFuture's and Flink's delays.
QUEUED = Site(
    "", "executor", "task in a pool of others",
    "cancel the task (Future.cancel, a scheduled cache's cleanUp()) before main() returns: delayedExecutor, orTimeout"
    " and their like keep it in the JVM's own pool until its time comes",
)  # fmt: skip


def site_of(class_name: str) -> Site | None:
    """The catalogue's entry for a class of a parent loader: the longest prefix of its name."""
    found = [site for site in SITES if class_name.startswith(site.prefix)]
    return max(found, key=lambda site: len(site.prefix), default=None)
