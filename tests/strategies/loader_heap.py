"""A small JobManager heap with user class loaders, and every way to keep one, with the JDK's own class and field names.

Field names as in OpenJDK 17 (``modern=True``: 21 and later) and Flink 2.3.0.
"""

from __future__ import annotations

from strategies.hprof import BOOLEAN, LONG
from strategies.java_heap import REF, JavaHeap

CHILD_FIRST = "org.apache.flink.util.ChildFirstClassLoader"
WRAPPER = "org.apache.flink.util.FlinkUserCodeClassLoaders$SafetyNetWrapperClassLoader"
_CACHE = "org.apache.flink.runtime.execution.librarycache.BlobLibraryCacheManager$"
_LOCALS = "java.lang.ThreadLocal$ThreadLocalMap"


class LoaderHeap(JavaHeap):
    """Each ``…_pin`` keeps the loader in one way; nothing else refers to it."""

    def __init__(self, *, modern: bool = False) -> None:
        super().__init__()
        self.modern = modern
        self._serial = 0
        self.hooks: list[int] = []
        self._drivers: list[int] = []
        thread = {"name": REF, "contextClassLoader": REF, "threadLocals": REF, "uncaughtExceptionHandler": REF}
        thread |= {"holder": REF} if modern else {"target": REF, "inheritedAccessControlContext": REF}
        for name, fields, parent in (
            ("java.util.ArrayList", {"elementData": REF}, None),
            ("java.util.IdentityHashMap", {"table": REF}, None),
            ("java.util.concurrent.CopyOnWriteArrayList", {"array": REF}, None),
            ("java.net.URL", {"protocol": REF, "file": REF}, None),
            ("jdk.internal.loader.URLClassPath", {"path": REF, "closed": BOOLEAN}, None),
            ("java.net.URLClassLoader", {"ucp": REF}, "java.lang.ClassLoader"),
            (CHILD_FIRST, {}, "java.net.URLClassLoader"),
            (WRAPPER, {"inner": REF}, "java.net.URLClassLoader"),
            ("java.lang.Thread", thread, None),
            ("java.lang.Thread$FieldHolder", {"task": REF}, None),
            ("java.util.TimerThread", {"queue": REF}, "java.lang.Thread"),
            ("java.util.TaskQueue", {"queue": REF}, None),
            ("java.security.AccessControlContext", {"context": REF}, None),
            ("java.security.ProtectionDomain", {"classloader": REF}, None),
            (_LOCALS, {"table": REF}, None),
            (_LOCALS + "$Entry", {"value": REF}, None),
            ("java.sql.DriverInfo", {"driver": REF}, None),
            ("java.util.concurrent.ThreadPoolExecutor", {"threadFactory": REF}, None),
            ("java.util.concurrent.ThreadPoolExecutor$Worker", {"this$0": REF}, None),
            ("java.util.concurrent.Executors$DefaultThreadFactory", {}, None),
            ("some.library.Factory", {}, None),
            ("some.library.Registry", {"kept": REF}, None),
            ("java.lang.ref.Reference", {"referent": REF, "discovered": REF}, None),
            ("java.lang.ref.SoftReference", {}, "java.lang.ref.Reference"),
            ("org.apache.flink.api.common.JobID", {"lowerPart": LONG, "upperPart": LONG}, None),
            (_CACHE + "LibraryCacheEntry", {"jobId": REF, "resolvedClassLoader": REF}, None),
            (_CACHE + "ResolvedClassLoader", {"classLoader": REF}, None),
        ):
            self.cls(name, fields, parent=parent or "java.lang.Object")
        self.cls("java.lang.ApplicationShutdownHooks", {})
        self.cls("java.sql.DriverManager", {})

    def loader(self, *, closed: bool, jar: str = "/tmp/job.jar", code: str = "user.Job", inner: str = "") -> int:
        """A user class loader with one class (and, as main() leaves them, no instance). ``inner``: a jar in the jar."""
        urls = [
            self.new("java.net.URL", protocol=self.string("file"), file=self.string(name))
            for name in (jar, inner)
            if name
        ]
        path = self.new("java.util.ArrayList", elementData=self.array(*urls))
        ucp = self.new("jdk.internal.loader.URLClassPath", path=path, closed=int(closed))
        loader = self.new(CHILD_FIRST, ucp=ucp)
        self.last_class = self.cls(code, {"next": REF}, loader=loader, sticky=False)
        return loader

    def user_object(self, loader: int) -> int:
        """An instance of the class of this loader."""
        return self.new(next(c.address for c in self.dump.classes if c.loader == loader))

    def running(self, thread: int, *frames: tuple[str, str]) -> int:
        """Starts a Thread object."""
        self._serial += 1
        self.thread(thread, self._serial, list(frames) or [("java.lang.Object", "wait")])
        return self._serial

    def new_thread(self, name: str, task: int = 0, *, cls: str = "java.lang.Thread", **fields: int) -> int:
        """A Thread object that has not started."""
        if self.modern:
            fields["holder"] = self.new("java.lang.Thread$FieldHolder", task=task)
        else:
            fields["target"] = task
        return self.new(cls, name=self.string(name), **fields)

    def hook_pin(self, loader: int, name: str = "bye") -> None:
        """A shutdown hook; ``done`` puts all of them into Runtime's table."""
        self.hooks.append(self.new_thread(name, self.user_object(loader)))

    def thread_pin(self, loader: int, name: str = "worker") -> int:
        """A running thread with a Runnable of the user's class."""
        thread = self.new_thread(name, self.user_object(loader))
        self.running(thread)
        return thread

    def context_pin(self, loader: int, name: str = "their-pool-1", **fields: int) -> int:
        """A thread of others that inherited the user's context."""
        if not self.modern:
            domain = self.new("java.security.ProtectionDomain", classloader=loader)
            context = self.new("java.security.AccessControlContext", context=self.array(domain))
            fields["inheritedAccessControlContext"] = context
        thread = self.new_thread(name, contextClassLoader=loader, **fields)
        self.running(thread)
        return thread

    def pool_pin(self, loader: int, factory: str) -> None:
        """An idle pool thread born in user code; its pool has a factory of that class."""
        pool = self.new("java.util.concurrent.ThreadPoolExecutor", threadFactory=self.new(factory))
        worker = self.new("java.util.concurrent.ThreadPoolExecutor$Worker", **{"this$0": pool})
        self.running(self.new_thread("pool-1-thread-1", worker, contextClassLoader=loader))

    def thread_local_pin(self, loader: int, name: str = "their-thread") -> None:
        """A value of the user's class in another's thread."""
        entry = self.new(_LOCALS + "$Entry", value=self.user_object(loader))
        self.running(self.new_thread(name, threadLocals=self.new(_LOCALS, table=self.array(entry))))

    def timer_pin(self, loader: int) -> None:
        """A Timer with a task of the user's class."""
        queue = self.new("java.util.TaskQueue", queue=self.array(0, self.user_object(loader)))
        self.running(self.new_thread("Timer-7", cls="java.util.TimerThread", queue=queue))

    def driver_pin(self, loader: int) -> None:
        """A registered JDBC driver of the user's class."""
        self._drivers.append(self.new("java.sql.DriverInfo", driver=self.user_object(loader)))

    def static_pin(self, loader: int) -> None:
        """A static of a parent's library."""
        self.static("some.library.Registry", instance=self.new("some.library.Registry", kept=self.user_object(loader)))

    def jni_pin(self, loader: int) -> None:
        """A GC root of its own: a JNI global reference to an object of the user's class."""
        self.root(self.user_object(loader), 0x01)

    def soft_cache(self, loader: int) -> None:
        """A soft reference: no pin."""
        soft = self.new("java.lang.ref.SoftReference", referent=self.user_object(loader))
        self.static("some.library.Registry", **{f"soft{soft}": soft})

    def running_job(self, loader: int, lower: int, upper: int) -> None:
        """Flink's library cache holds the loader for a job."""
        resolved = self.new(_CACHE + "ResolvedClassLoader", classLoader=self.new(WRAPPER, inner=loader))
        job = self.new("org.apache.flink.api.common.JobID", lowerPart=lower, upperPart=upper)
        self.root(self.new(_CACHE + "LibraryCacheEntry", jobId=job, resolvedClassLoader=resolved))

    def done(self) -> LoaderHeap:
        """Writes the registries of the JVM."""
        hooks = self.new("java.util.IdentityHashMap", table=self.array(*(x for h in self.hooks for x in (h, h))))
        self.static("java.lang.ApplicationShutdownHooks", hooks=hooks)
        drivers = self.new("java.util.concurrent.CopyOnWriteArrayList", array=self.array(*self._drivers))
        self.static("java.sql.DriverManager", registeredDrivers=drivers)
        return self
