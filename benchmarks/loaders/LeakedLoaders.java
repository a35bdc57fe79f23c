import java.io.File;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.net.URL;
import java.util.function.Consumer;
import org.apache.flink.util.ChildFirstClassLoader;

/**
 * Leaves user class loaders of Flink, closed and each kept by a shutdown hook and a thread of its own jar, then fills
 * the heap as FlinkLikeHeap does and dumps it. Arguments: loaders, jar of the lab's pins, keys, file to write.
 */
public final class LeakedLoaders {
    public static void main(String[] arguments) throws Exception {
        URL[] jar = {new File(arguments[1]).toURI().toURL()};
        Consumer<Throwable> handler = error -> error.printStackTrace();
        for (int number = 0; number < Integer.parseInt(arguments[0]); number++) {
            ChildFirstClassLoader loader =
                    new ChildFirstClassLoader(jar, LeakedLoaders.class.getClassLoader(), new String[] {"java."}, handler);
            leave(loader, "flinkscope.lab.pins.ShutdownHookPin");
            leave(loader, "flinkscope.lab.pins.ThreadPins$Running");
            loader.close();
        }
        FlinkLikeHeap.main(new String[] {arguments[2], arguments[3]});
        Runtime.getRuntime().halt(0);
    }

    private static void leave(ClassLoader loader, String name) throws Exception {
        Constructor<?> made = loader.loadClass(name).getDeclaredConstructor();
        made.setAccessible(true);
        Method set = made.getDeclaringClass().getDeclaredMethod("set");
        set.setAccessible(true);
        set.invoke(made.newInstance());
    }

    private LeakedLoaders() {}
}
