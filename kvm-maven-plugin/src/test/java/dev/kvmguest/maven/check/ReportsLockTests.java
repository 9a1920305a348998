package dev.kvmguest.maven.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ReportsLockTests {

    @TempDir
    private Path target;

    @Test
    void secondBuildIsToldWhoIsThereAndWaitsForItsEnd() throws Exception {
        Path folder = target.resolve("kvm-reports");
        BlockingQueue<String> events = new LinkedBlockingQueue<>();
        ReportsLock first = ReportsLock.take(folder, "the first build", events::add);
        Thread second = new Thread(() -> {
            try {
                ReportsLock mine = ReportsLock.take(folder, "the second build", events::add);
                events.add("second has it");
                mine.close();
            } catch (IOException | InterruptedException e) {
                events.add(e.toString());
            }
        });
        second.start();

        assertThat(events.take()).isEqualTo("the first build");
        assertThat(events.poll(300, TimeUnit.MILLISECONDS)).isNull();
        first.close();
        assertThat(events.take()).isEqualTo("second has it");
        second.join();

        List<String> nobody = new ArrayList<>();
        ReportsLock.take(folder, "the third build", nobody::add).close();
        assertThat(nobody).isEmpty();
    }

    @Test
    void lockOfAProcessThatIsKilledIsFree() throws Exception {
        Process other = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Holder.class.getName(),
                        target.toString())
                .redirectErrorStream(true)
                .start();
        assertThat(other.inputReader().readLine()).isEqualTo("locked");

        List<String> waitedFor = new ArrayList<>();
        ReportsLock mine = ReportsLock.take(target, "this one", owner -> {
            waitedFor.add(owner);
            other.destroyForcibly();
        });

        mine.close();
        assertThat(waitedFor).containsExactly("another process");
    }

    /** A build that never ends. */
    static final class Holder {

        private Holder() {}

        public static void main(String[] arguments) throws Exception {
            ReportsLock.take(Path.of(arguments[0]), "another process", owner -> {});
            System.out.println("locked");
            Thread.currentThread().join();
        }
    }

    @Test
    void folderThatCannotBeMadeIsAnError() throws IOException {
        Path file = Files.createFile(target.resolve("file"));

        assertThatThrownBy(() -> ReportsLock.take(file, "x", owner -> {})).isInstanceOf(IOException.class);
    }
}
