import com.hivemq.embedded.EmbeddedHiveMQ;
import java.nio.file.Path;

/** Runs HiveMQ CE on the folders conf, data and extensions of the directory that it is given. */
public final class Broker {
  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]);
    EmbeddedHiveMQ broker = EmbeddedHiveMQ.builder()
        .withConfigurationFolder(directory.resolve("conf"))
        .withDataFolder(directory.resolve("data"))
        .withExtensionsFolder(directory.resolve("extensions"))
        .build();
    broker.start().join();
    Thread.currentThread().join();
  }
}
